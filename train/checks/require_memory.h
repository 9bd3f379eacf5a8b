#pragma once

#include "core/system/machine.h"
#include "data/shards/corpus_index.h"
#include "train/checks/memory_estimate.h"
#include "train/config.h"

namespace muybridge {

// What a rank of this run needs, with captions as long as those of the corpus.
MemoryEstimate memory_of_run(const TrainConfig& config, const CorpusIndex& corpus,
                             std::int64_t parameters);

// Throws Error(kUsage) when `ranks` of them need more than the machine has, and says how much that
// is and what to change. Returns a warning when it has so much, but others use it now.
std::string require_memory(const MemoryEstimate& rank, int ranks, const Machine& machine);

}  // namespace muybridge
