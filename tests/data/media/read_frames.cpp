// Says which pictures a file gives and when, for tests/footage_matrix.py. The pictures carry their
// number as four by four blocks, black or white: twelve bits of it, then four that check them.
//   read_frames VIDEO [--fps F] [--threads N] [--cut FIRST END]
// prints `frame NUMBER SECONDS` for each (-1 where no number can be read), then `note TEXT`s, then
// `damage TEXT` if the file is not whole.

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "core/system/file_handle.h"
#include "data/decode/decode_child.h"
#include "data/decode/decode_protocol.h"
#include "data/decode/decode_worker.h"

namespace {

using namespace muybridge;

constexpr int kBlocks = 4;  // a side
constexpr int kNumberBits = 12;

// Of the block's middle: 0 or 1, -1 for what is neither black nor white.
int read_bit(const DecodedStream& stream, const std::uint8_t* rgb, int block) {
  const int width = stream.width / kBlocks;
  const int height = stream.height / kBlocks;
  const int left = block % kBlocks * width + width / 3;
  const int top = block / kBlocks * height + height / 3;
  int sum = 0;
  int count = 0;
  for (int y = top; y < top + height / 3; ++y) {
    for (int x = left; x < left + width / 3; ++x, ++count) {
      sum += rgb[3 * (std::size_t(y) * static_cast<std::size_t>(stream.width) + x) + 1];
    }
  }
  const int mean = sum / count;
  return mean < 90 ? 0 : mean > 165 ? 1 : -1;
}

int read_number(const DecodedStream& stream, const std::uint8_t* rgb) {
  int bits = 0;
  for (int block = 0; block < kBlocks * kBlocks; ++block) {
    const int bit = read_bit(stream, rgb, block);
    if (bit < 0) return -1;
    bits |= bit << block;
  }
  const int number = bits & ((1 << kNumberBits) - 1);
  const int check = (number ^ number >> 4 ^ number >> 8 ^ 0b1010) & 0b1111;
  return bits >> kNumberBits == check ? number : -1;
}

ReadOptions options_of(int count, char** arguments) {
  ReadOptions options;
  for (int i = 0; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--fps" && i + 1 < count) options.fps = std::atof(arguments[++i]);
    if (name == "--threads" && i + 1 < count) options.threads = std::atoi(arguments[++i]);
    if (name == "--cut" && i + 2 < count) {
      options.cut_first = std::atoll(arguments[++i]);
      options.cut_end = std::atoll(arguments[++i]);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == kDecodeCommand) return run_decode_child();
  if (argc < 2) {
    fmt::print(stderr, "read_frames VIDEO [--fps F] [--threads N] [--cut FIRST END]\n");
    return 2;
  }
  try {
    DecodeWorker worker;
    const DecodeOutcome outcome =
        worker.decode(open_to_read(argv[1]), options_of(argc - 2, argv + 2),
                      [](const DecodedStream& stream, const DecodedFrame& frame) {
                        fmt::print("frame {} {:.7f}\n", read_number(stream, frame.rgb), frame.time);
                      });
    for (const std::string& note : outcome.notes) fmt::print("note {}\n", note);
    if (!outcome.problem.empty()) fmt::print("damage {}\n", outcome.problem);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
