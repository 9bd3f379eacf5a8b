#include "train/checks/memory_estimate.h"

#include <algorithm>

namespace muybridge {
namespace {

constexpr double kPoolSlack = 1.06;  // half of what a size class may leave unused
constexpr double kProcess = 200e6;   // libraries, code, threads

// Numbers of one token that a block's ops hand on, and that backward wants: norm, qkv, rotated qkv,
// attention, its projection, gate; norm, q, normed q, attention, projection, sum; norm, down, gate;
// and the two hidden ones of the MLP.
double numbers_of_block(const DitOptions& o) {
  return 19.0 * static_cast<double>(o.width) + 2.0 * static_cast<double>(o.mlp_width);
}

// Those of them that Recompute::kAttention makes again: qkv and rotated qkv, q and normed q.
double numbers_of_qkv(const DitOptions& o) { return 8.0 * static_cast<double>(o.width); }

// The gradients that a block's backward holds at once.
double numbers_of_backward(const DitOptions& o) {
  return 6.0 * static_cast<double>(o.width) + 2.0 * static_cast<double>(o.mlp_width);
}

double numbers_of_text_block(const DitOptions& o) {
  return 21.0 * static_cast<double>(o.text_width);
}

}  // namespace

double MemoryEstimate::total() const {
  return kProcess + weights + std::max(activations, sampling) + batches + snapshot;
}

MemoryEstimate estimate_memory(const DitOptions& o, std::int64_t parameters, DType compute,
                               const MicroBatchSize& batch, std::int64_t sampled_tokens,
                               int batches_ahead) {
  const auto element = static_cast<double>(size_of(compute));
  const auto wide = static_cast<double>(size_of(accumulator_of(compute)));
  const auto tokens = static_cast<double>(batch.tokens), clips = static_cast<double>(batch.clips);
  const auto text = static_cast<double>(batch.text_tokens);
  const auto width = static_cast<double>(o.width), depth = static_cast<double>(o.depth);
  const auto token_width = static_cast<double>(o.token_width());
  const auto head_mlp = static_cast<double>(o.head_mlp_width);
  const bool again = o.recompute == Recompute::kBlock;
  const double kept_blocks = again ? 1 : depth;
  // What a block makes again is less than the gradients of its MLP, which are gone by then.
  const double kept =
      numbers_of_block(o) - (o.recompute == Recompute::kAttention ? numbers_of_qkv(o) : 0.0);

  // Patches as they are read, noisy, as a target, predicted, and their gradients; the stream of
  // tokens before the first block, and between blocks that are run again.
  const double ends =
      tokens * (7 * token_width * wide + width * element * (4 + (again ? depth : 0)) +
                (o.head_mlp_width > 0 ? 2 * token_width + 3 * head_mlp : 0) * element);
  const double blocks = tokens * element * (kept_blocks * kept + numbers_of_backward(o));
  const double captions =
      text * element * (o.text_depth * numbers_of_text_block(o) + 4 * width * (kept_blocks + 1));
  const double modulation = clips * 6 * width * wide * (depth + 3);

  MemoryEstimate estimate;
  // Master, gradient, two moments and the average, the rounded copy, and one while the average is
  // in its place.
  estimate.weights =
      static_cast<double>(parameters) * (5 * wide + (element < wide ? 2 : 1) * element);
  estimate.activations = kPoolSlack * (ends + blocks + captions + modulation);
  estimate.sampling =
      kPoolSlack * static_cast<double>(sampled_tokens) *
      (element * (12 * width + 2 * static_cast<double>(o.mlp_width)) + 6 * token_width * wide);
  estimate.batches = tokens * token_width * sizeof(float) * batches_ahead;
  return estimate;
}

}  // namespace muybridge
