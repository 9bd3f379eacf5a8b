#pragma once

#include "train/checks/memory_estimate.h"
#include "train/config.h"

namespace muybridge {

// What a step has to compute, however it is laid out.
struct Workload {
  DitOptions model;
  DType compute = DType::kBF16;
  bool muon = false;
  MicroBatchSize batch;          // of clips of one size, each with a caption
  std::int64_t clip_tokens = 0;  // of a clip; `batch` has them end to end
  std::int64_t clip_text = 0;    // of its caption
  int micro_batches = 1;         // of a step, over all replicas
  std::int64_t sampled_tokens = 0;
  int batches_ahead = 0;
  bool snapshot = false;  // commits are written behind the next steps

  // Operations that the model needs for a micro-batch, forward and backward: training_flops.
  double operations() const;
  // Sums over the clips of length x length, and of length x caption.
  double pairs() const;
  double text_pairs() const;
};

// Of clips as usual_clip_tokens says (train/model_options.h), each with a caption of
// `caption_bytes`.
Workload workload_of(const TrainConfig& config, int caption_bytes);

}  // namespace muybridge
