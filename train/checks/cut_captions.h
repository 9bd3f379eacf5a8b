#pragma once

#include "data/shards/corpus_index.h"
#include "train/config.h"

namespace muybridge {

// How many captions of a corpus are longer than a model reads.
struct CutCaptions {
  std::int64_t cut = 0;
  std::int64_t looked_at = 0;
  std::size_t longest = 0;  // bytes
  std::int64_t clip = -1;   // that has the longest
};

// Looks at no more than `most` clips, spread over the corpus.
CutCaptions count_cut_captions(const CorpusIndex& corpus, std::size_t limit, std::int64_t most);

// Says on the terminal how many captions of data.train are cut at data.max_caption_bytes; nothing
// where none is, or where the corpus is not there.
void warn_of_cut_captions(const TrainConfig& config);

}  // namespace muybridge
