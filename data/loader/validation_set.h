#pragma once

#include <cstdint>
#include <vector>

#include "data/loader/batch.h"
#include "data/loader/batch_builder.h"
#include "data/shards/corpus_index.h"

namespace muybridge {

// The held-out clips of a corpus in micro-batches that never change: the same clips, in the same
// order, for any number of ranks. The sample of a clip is its number; no caption is dropped. A
// batch has token_budget rows, or as many as all the clips fill where that is less.
class ValidationSet {
 public:
  // At most `limit` clips, spread evenly over the corpus; 0 for all. `corpus` must outlive the set.
  ValidationSet(const CorpusIndex& corpus, const BatchOptions& options, int limit);

  int batches() const { return static_cast<int>(batches_.size()); }  // 0 if nothing was held out
  std::int64_t clips() const { return std::ssize(numbers_); }
  // In the corpus, rising.
  const std::vector<std::int64_t>& clip_numbers() const { return numbers_; }
  Batch batch(int index) const;  // ranks may share them out by index

 private:
  ValidationSet(const CorpusIndex& corpus, std::vector<SelectedClip> chosen,
                const BatchOptions& options);

  BatchBuilder builder_;
  std::vector<std::vector<DrawnClip>> batches_;
  std::vector<std::int64_t> numbers_;
};

}  // namespace muybridge
