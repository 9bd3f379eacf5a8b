#pragma once

#include <cstdint>
#include <vector>

#include "data/loader/loader.h"
#include "model/dit.h"
#include "model/flow_matching.h"

namespace muybridge {

// What one micro-batch did on this rank.
struct MicroBatchResult {
  double squared_error = 0;  // summed over the elements of its tokens
  std::int64_t tokens = 0;
  double flops = 0;                     // of all ranks that share the batch
  std::vector<std::int64_t> bad_clips;  // numbers in the corpus of those whose loss is not finite
};

// Forward and backward of one micro-batch: gradients of squared_error / `normaliser` are added to
// the parameters. Noise and times are keyed by (seed, step, sample).
MicroBatchResult run_micro_batch(const Dit& dit, const Batch& batch, const FlowOptions& flow,
                                 std::uint64_t seed, std::int64_t step, double normaliser,
                                 const BackwardOptions& options);

}  // namespace muybridge
