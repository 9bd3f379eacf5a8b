#pragma once

#include "core/system/machine.h"
#include "data/shards/corpus_index.h"
#include "eval/render.h"
#include "parallel/mesh.h"
#include "train/checks/memory_estimate.h"
#include "train/config.h"

namespace muybridge {

// What a rank needs for steps of micro-batches of a size, of which `batches_ahead` wait; it holds
// `parameters`, and `ranks` are all of the job, in the layout that the configuration says.
MemoryEstimate memory_of_step(const TrainConfig& config, const MicroBatchSize& batch,
                              std::int64_t parameters, int ranks, int batches_ahead);
// The same of a rank of this run, with captions as long as those of the corpus, with evaluations
// and commits.
MemoryEstimate memory_of_run(const TrainConfig& config, const CorpusIndex& corpus,
                             std::int64_t parameters, int ranks);
// What drawing `clips` clips needs of each rank of a replica, of whose parameters it holds `held`:
// weights alone, no gradients, no optimizer.
MemoryEstimate memory_of_sampling(const DitOptions& model, const RenderOptions& options,
                                  const MeshSizes& layout, std::int64_t clips, std::int64_t held,
                                  DType compute);

inline constexpr const char* kLessForTraining =
    "lower batch.tokens, data.prefetch, eval.frames, eval.size or model.*, set "
    "model.recompute=block or parallel.zero=3, or start fewer ranks on a machine";
inline constexpr const char* kLessForSampling =
    "draw shorter or smaller clips, set train.precision=bf16, or share the model: mpirun -np 2 "
    "with "
    "parallel.tensor=2 or parallel.pipeline=2";

// Throws Error(kUsage) when `ranks` of them need more than the machine has, without the snapshots,
// which a run can do without; says how much that is and `advice`, what to change. Returns a warning
// when the machine has not as much as they need with the snapshots, or others use it now.
std::string require_memory(const MemoryEstimate& rank, int ranks, const Machine& machine,
                           const char* advice);

}  // namespace muybridge
