#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

#include "data/decode/decode_worker.h"
#include "data/prepare/prepare_report.h"
#include "data/prepare/prepare_settings.h"

namespace muybridge {

struct PrepareOptions {
  std::filesystem::path input;
  std::filesystem::path output;
  PrepareSettings settings;
  int workers = 0;  // decoders at once; 0: one a core
  int part = 0;     // this process takes every source whose number modulo `parts` is `part`
  int parts = 1;
  std::uint64_t shard_bytes = std::uint64_t{1} << 30;
  std::size_t frame_memory = std::size_t{512} << 20;  // for decoded frames, of all decoders
  DecodeLimits limits;
};

// Makes shards of the clips of a corpus, or goes on where an earlier call stopped: a clip that is
// there is not made again. main() must serve kDecodeCommand (decode_child.h).
//
// A video that cannot be used is a line in the report. Throws Error: kUsage for wrong options or an
// output made with other settings, kIo for a full disk, kPreempted if *stop became true; whatever
// was committed stays and is in the index also then.
PrepareReport prepare_corpus(const PrepareOptions& options, const std::atomic<bool>& stop);

}  // namespace muybridge
