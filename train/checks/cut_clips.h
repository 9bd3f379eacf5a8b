#pragma once

#include <string>

#include "data/shards/corpus_index.h"
#include "train/config.h"

namespace muybridge {

// How many clips of a corpus are no whole number of patches: frames at their end and pixels at
// their edges are never seen.
struct CutClips {
  std::int64_t cut = 0;
  std::int64_t first = -1;
  std::string sizes;  // "7 frames of 38x38 -> 4 of 32x32", of the first
};

// Frames that data.frames_max leaves out, and clips of fewer frames than a patch, are no cut.
CutClips count_cut_clips(const CorpusIndex& corpus, const TrainConfig& config);

// Says it on the terminal; nothing where no clip is cut, or where the corpus is not there.
void warn_of_cut_clips(const TrainConfig& config);

}  // namespace muybridge
