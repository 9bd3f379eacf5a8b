// Frames a second of a core, decoded to RGB: the reader, and the reader in its child process,
// against `ffmpeg -threads 1 -f null`, which decodes and drops. Interleaved, medians of CPU time.
//   decode_bench [VIDEO] [REPEATS]     without a video, one of 480p is made

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "data/decode/decode_child.h"
#include "data/decode/decode_protocol.h"
#include "data/decode/decode_worker.h"
#include "data/media/video_reader.h"

namespace {

using namespace muybridge;

double cpu_seconds(int who) {
  rusage used{};
  ::getrusage(who, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) fail(ExitCode::kIo, "failed: {}", command);
}

double ffmpeg_seconds(const std::string& video) {
  const double before = cpu_seconds(RUSAGE_CHILDREN);
  shell(fmt::format("ffmpeg -nostdin -v error -threads 1 -i '{}' -an -f null -", video));
  return cpu_seconds(RUSAGE_CHILDREN) - before;
}

double reader_seconds(const std::string& video, std::int64_t& frames) {
  const double before = cpu_seconds(RUSAGE_SELF);
  VideoReader reader(video);
  std::vector<std::uint8_t> rgb(reader.frame_bytes());
  for (frames = 0; reader.next(rgb.data()); ++frames) {
  }
  return cpu_seconds(RUSAGE_SELF) - before;
}

// Both processes, with the start of the child.
double worker_seconds(const std::string& video, std::vector<std::uint8_t>& copy) {
  const double self = cpu_seconds(RUSAGE_SELF);
  const double children = cpu_seconds(RUSAGE_CHILDREN);
  {
    DecodeWorker worker;
    worker.decode(open_to_read(video), {},
                  [&](const DecodedStream& stream, const DecodedFrame& frame) {
                    copy.assign(frame.rgb, frame.rgb + stream.frame_bytes());
                  });
  }
  return cpu_seconds(RUSAGE_SELF) - self + cpu_seconds(RUSAGE_CHILDREN) - children;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int run(int argc, char** argv) {
  std::string video = argc > 1 ? argv[1] : "";
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 7;
  const bool made = video.empty();
  if (made) {
    video = (std::filesystem::temp_directory_path() / fmt::format("decode-{}.mp4", ::getpid()))
                .string();
    shell(
        fmt::format("ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=854x480:rate=24:"
                    "duration=40 -vf noise=alls=6:allf=t -c:v libx264 -b:v 1500k -pix_fmt "
                    "yuv420p '{}'",
                    video));
  }
  std::array<std::vector<double>, 3> seconds;
  std::int64_t frames = 0;
  std::vector<std::uint8_t> copy;
  for (int i = 0; i < repeats; ++i) {
    seconds[0].push_back(ffmpeg_seconds(video));
    seconds[1].push_back(reader_seconds(video, frames));
    seconds[2].push_back(worker_seconds(video, copy));
  }
  if (made) std::filesystem::remove(video);
  const double ffmpeg = median(seconds[0]);
  const auto line = [&](const char* what, double ours) {
    fmt::print("{}: {:.0f} frames/s a core, ffmpeg -threads 1 -f null {:.0f}  {:.2f}x\n", what,
               static_cast<double>(frames) / ours, static_cast<double>(frames) / ffmpeg,
               ffmpeg / ours);
  };
  line("decode to RGB", median(seconds[1]));
  line("decode to RGB in a child process", median(seconds[2]));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == muybridge::kDecodeCommand) {
    return muybridge::run_decode_child();
  }
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
