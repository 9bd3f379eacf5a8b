#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/packing.h"
#include "data/loader/batch.h"
#include "data/shards/corpus_index.h"

namespace muybridge {

// How clips become tokens.
struct BatchOptions {
  Grid patch{1, 2, 2};               // frames, height, width of a patch
  std::int64_t token_budget = 4096;  // rows of a micro-batch
  std::int64_t row_step = 1;         // where it has fewer, they are a multiple of this
  int max_frames = 0;                // longer clips are cut; 0 for no limit
  int frame_step = 1;                // frames behind a clip's first are a multiple of this
  int max_caption_bytes = 256;
  float caption_drop_rate = 0;  // share of samples that see the empty prompt
  std::uint64_t seed = 0;
};

// Of a clip of so many.
int frames_used(int frames, const BatchOptions& options);

struct SelectedClip {
  std::int64_t clip = 0;  // number in the corpus
  Grid grid;              // in patches
};

// The clips of a split and their sizes in patches. A clip that is larger than the budget or smaller
// than a patch is Error(kUsage), which names it and both sizes, or is left out with a warning.
std::vector<SelectedClip> select_clips(const CorpusIndex& corpus, std::string_view split,
                                       const BatchOptions& options);

struct DrawnClip {
  std::int64_t sample = 0;
  SelectedClip clip;
};

// Reads clips and packs them. `scratch` is reused memory; threads each have their own.
class BatchBuilder {
 public:
  // `corpus` must outlive the builder. Throws Error(kUsage) if it does not hold pixels.
  BatchBuilder(const CorpusIndex& corpus, const BatchOptions& options);

  Batch build(const std::vector<DrawnClip>& clips, std::vector<std::byte>* scratch) const;

 private:
  const CorpusIndex* corpus_;
  BatchOptions options_;
};

}  // namespace muybridge
