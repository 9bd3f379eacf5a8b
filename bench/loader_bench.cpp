// How fast the loader reads a corpus, next to read(2) of the same files. Both run from the page
// cache, so that the disk decides nothing; the loader also checks every hash and turns bytes into
// floats. Prints one line; the goal is a ratio of 0.8.
//
//   loader_bench [FOLDER [MEGABYTES [THREADS]]]
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "data/corpus_index.h"
#include "data/loader.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Clips of 16 frames of 128x128, 768 KiB each, in shards of 128 MiB.
CorpusIndex make_corpus(const fs::path& folder, int megabytes) {
  fs::create_directories(folder);
  ClipRecord record;
  record.frames = 16;
  record.height = record.width = 128;
  record.caption = "noise";
  std::vector<std::uint8_t> pixels(record.bytes());
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(i * 2654435761U >> 16);
  const auto clips = static_cast<int>((std::size_t(megabytes) << 20) / record.bytes());
  constexpr int kClipsAShard = 170;
  for (int first = 0; first < clips; first += kClipsAShard) {
    if (fs::exists(shard_path(folder, first / kClipsAShard))) continue;
    ShardWriter writer(folder, first / kClipsAShard, "{}");
    for (int i = first; i < std::min(first + kClipsAShard, clips); ++i) {
      record.source = fmt::format("{}.mp4", i);
      writer.add(record, pixels.data());
    }
    writer.commit();
  }
  return CorpusIndex::build(folder);
}

// Bytes a second.
double read_raw(const CorpusIndex& corpus) {
  std::vector<char> block(1 << 20);
  std::size_t bytes = 0;
  const double begin = now();
  for (const CorpusShard& shard : corpus.shards()) {
    const int fd = ::open((corpus.folder() / shard.file).c_str(), O_RDONLY);
    if (fd < 0) fail_errno("open(" + shard.file + ")", errno);
    for (ssize_t got; (got = ::read(fd, block.data(), block.size())) > 0;)
      bytes += static_cast<std::size_t>(got);
    ::close(fd);
  }
  return static_cast<double>(bytes) / (now() - begin);
}

double read_loader(const CorpusIndex& corpus, int threads) {
  LoaderOptions options;
  options.patch = {1, 2, 2};
  options.token_budget = 16 * 64 * 64;  // one clip
  options.threads = threads;
  Loader loader(corpus, options, 0, 1);
  std::size_t bytes = 0;
  const double begin = now();
  for (std::size_t i = 0; i < corpus.clips().size(); ++i)
    for (const std::int64_t clip : loader.next().clip_ids) bytes += corpus.clip_bytes(clip);
  return static_cast<double>(bytes) / (now() - begin);
}

int run(int argc, char** argv) {
  const fs::path folder =
      argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path() / "muybridge-loader-bench";
  const int megabytes = argc > 2 ? std::atoi(argv[2]) : 512;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 2;
  const CorpusIndex corpus = make_corpus(folder, megabytes);
  double raw = 0;
  double loader = 0;
  for (int round = 0; round < 4; ++round) {  // the first warms both up
    raw = std::max(raw, read_raw(corpus));
    loader = std::max(loader, read_loader(corpus, threads));
  }
  fmt::print("loader {:.2f} GB/s with {} threads, read(2) {:.2f} GB/s, ratio {:.2f}\n",
             loader / 1e9, threads, raw / 1e9, loader / raw);
  if (argc <= 1) fs::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace muybridge

int main(int argc, char** argv) {
  try {
    return muybridge::run(argc, argv);
  } catch (const muybridge::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.code());
  }
}
