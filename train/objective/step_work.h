#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/system/timeline.h"
#include "data/loader/batch.h"

namespace muybridge {

// What this replica of the model does for a step.
struct StepWork {
  int micro_batches = 0;        // may be 0
  std::function<Batch()> next;  // hands them out
  std::uint64_t seed = 0;       // randomness is keyed by (seed, step, sample)
  std::int64_t step = 0;
  Timeline* timeline = nullptr;
  double normaliser = 1;  // gradients are those of the summed loss over this
  // When the gradient of the parameter `tag` has grown; `complete` with the last of the step.
  std::function<void(std::int64_t tag, bool complete)> on_leaf_ready = {};
};

// What came of it on this rank.
struct StepResult {
  double squared_error = 0;  // summed over the numbers of its tokens, where it holds the head
  double divergence = 0;     // of latents from the standard normal, weighed and added to that
  std::int64_t tokens = 0;   // that the error is summed over
  double flops = 0;          // of all ranks that share the batches
  std::vector<std::int64_t> bad_clips;  // numbers in the corpus of those whose loss is not finite
};

}  // namespace muybridge
