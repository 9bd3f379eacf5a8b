#pragma once

#include "core/system/machine.h"
#include "data/shards/corpus_index.h"
#include "eval/render.h"
#include "train/checks/memory_estimate.h"
#include "train/config.h"

namespace muybridge {

// What a rank of this run needs, with captions as long as those of the corpus; `ranks` are all
// of the job, in the layout that the configuration says.
MemoryEstimate memory_of_run(const TrainConfig& config, const CorpusIndex& corpus,
                             std::int64_t parameters, int ranks);
// What drawing `clips` clips needs, with weights alone: no gradients, no optimizer.
MemoryEstimate memory_of_sampling(const DitOptions& model, const RenderOptions& options,
                                  std::int64_t clips, std::int64_t parameters, DType compute);

inline constexpr const char* kLessForTraining =
    "lower batch.tokens, data.prefetch, eval.frames, eval.size or model.*, set "
    "model.recompute=block, or start fewer ranks on a machine";
inline constexpr const char* kLessForSampling = "draw shorter or smaller clips";

// Throws Error(kUsage) when `ranks` of them need more than the machine has, without the snapshots,
// which a run can do without; says how much that is and `advice`, what to change. Returns a warning
// when the machine has not as much as they need with the snapshots, or others use it now.
std::string require_memory(const MemoryEstimate& rank, int ranks, const Machine& machine,
                           const char* advice);

}  // namespace muybridge
