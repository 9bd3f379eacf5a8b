#include "train/micro_batch.h"

#include <cmath>

#include "core/ops/loss.h"

namespace muybridge {

MicroBatchResult run_micro_batch(const Dit& dit, const Batch& batch, const FlowOptions& flow,
                                 std::uint64_t seed, std::int64_t step, double normaliser,
                                 const BackwardOptions& options) {
  const TokenLayout layout = dit.layout(batch.packing);
  const FlowDraw draw = draw_training_flow(flow, seed, step, batch.samples);
  const NoisyTokens noisy =
      add_flow_noise(layout.own_rows(batch.tokens), draw.times, draw.noise, layout.clips);
  const PackedText text{batch.text_ids, batch.text_packing};
  const Var velocity = dit(noisy.tokens, draw.times, dit.encode_text(text), layout);
  const SquaredErrorResult error =
      squared_error(velocity, noisy.velocity, layout.clips.offsets, 1.0 / normaliser);
  backward(error.loss, {}, options);

  MicroBatchResult result{.squared_error = 0,
                          .tokens = layout.clips.offsets.back(),
                          .flops = training_flops(dit.options, batch.packing, text.packing),
                          .bad_clips = {}};
  const std::vector<double> clips = error.per_clip.to_vector<double>();
  for (std::size_t clip = 0; clip < clips.size(); ++clip) {
    result.squared_error += clips[clip];
    if (!std::isfinite(clips[clip])) result.bad_clips.push_back(batch.clip_ids[clip]);
  }
  return result;
}

}  // namespace muybridge
