#pragma once

#include "core/parameters.h"
#include "core/system/machine.h"
#include "data/shards/corpus_index.h"
#include "eval/render.h"
#include "parallel/mesh.h"
#include "parallel/world.h"
#include "train/checks/memory_estimate.h"
#include "train/config.h"

namespace muybridge {

// Elements of the flat tensors of a rank, before `zero`.
struct HeldParameters {
  std::int64_t all = 0;
  std::int64_t beside_blocks = 0;  // of all, those of no block
  int blocks = 0;
};
HeldParameters held_parameters(const Parameters& parameters);

// What a rank needs for steps of micro-batches of a size, of which `batches_ahead` wait; `ranks`
// are all of the job, in the layout that the configuration says.
MemoryEstimate memory_of_step(const TrainConfig& config, const MicroBatchSize& batch,
                              const HeldParameters& held, int ranks, int batches_ahead);
// The same of a rank of this run, with captions as long as those of the corpus, with evaluations
// and commits.
MemoryEstimate memory_of_run(const TrainConfig& config, const CorpusIndex& corpus,
                             const HeldParameters& held, int ranks);
// What drawing needs of each rank of a replica, of whose parameters it holds `held`: weights alone,
// no gradients, no optimizer. `tokens` are those of the sampler's largest batch.
MemoryEstimate memory_of_sampling(const DitOptions& model, const MeshSizes& layout,
                                  std::int64_t tokens, std::int64_t held, DType compute);
// Of `clips` clips, with guidance's copies.
std::int64_t sampled_tokens(const DitOptions& model, const RenderOptions& options,
                            std::int64_t clips);

inline constexpr const char* kLessForTraining =
    "lower batch.tokens, data.prefetch, eval.frames, eval.size or model.*, set "
    "model.recompute=block or parallel.zero=3, or start fewer ranks on a machine";
inline constexpr const char* kLessForAutoencoder =
    "use shorter or smaller clips (data.frames_max, prepare --size), lower autoencoder.width, set "
    "train.precision=bf16 or parallel.zero=1, or start fewer ranks on a machine";
inline constexpr const char* kLessForSampling =
    "draw shorter or smaller clips (eval.frames, eval.size), set train.precision=bf16, or share "
    "them "
    "over several machines (parallel.tensor, parallel.context)";

// Throws Error(kUsage) when `ranks` of them need more than the machine has, without the snapshots,
// which a run can do without; says how much that is and `advice`, what to change. Returns a warning
// when the machine has not as much as they need with the snapshots, or others use it now.
std::string require_memory(const MemoryEstimate& rank, int ranks, const Machine& machine,
                           const char* advice, const char* whose = "this machine");

// The same for the ranks of this machine, where `config` computes: on a device, what ranks compute
// with has to fit in its memory, and the rest in the machine's.
std::string require_memory(const TrainConfig& config, const MemoryEstimate& rank,
                           const World& world, const char* advice);

}  // namespace muybridge
