#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "data/synthetic/synthetic.h"

namespace muybridge {

struct CorpusPlan {
  CorpusKind kind = CorpusKind::kShapes;
  SyntheticOptions clip;
  std::int64_t train = 2000;      // clips
  std::int64_t validation = 100;  // clips
  std::uint64_t seed = 0;
  int crf = 14;     // of H.264
  int threads = 0;  // that render and encode; 0: one a core
};

struct CorpusReport {
  std::int64_t made = 0;
  std::int64_t kept = 0;  // were there already
};

// Writes OUT/{train,validation}/NNNNNN.mp4, a .txt with the caption beside each, and
// OUT/.corpus.json that says how they were made. Goes on where an earlier call was stopped; a
// larger number of clips adds to a folder. Clips are the same bytes whatever the threads and the
// stops. `progress(done, total)` is called from several threads, one at a time. Throws Error:
// kUsage if the folder holds something else, kIo if writing fails.
CorpusReport make_corpus(const CorpusPlan& plan, const std::filesystem::path& out,
                         const std::function<void(std::int64_t, std::int64_t)>& progress = {});

}  // namespace muybridge
