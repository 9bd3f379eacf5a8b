#include "train/objective/autoencoder_objective.h"

#include <cmath>

#include "core/ops/frames.h"
#include "core/ops/gaussian.h"
#include "core/ops/loss.h"
#include "data/loader/clip_pixels.h"
#include "model/autoencoder/autoencoder_costs.h"
#include "train/evaluation/reconstruction.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

constexpr double kForwardAndBackward = 3;  // over forward

}  // namespace

AutoencoderObjective::AutoencoderObjective(const TrainConfig& config, Autoencoder autoencoder,
                                           const Parameters& parameters, Mesh mesh)
    : config_(config),
      autoencoder_(std::move(autoencoder)),
      parameters_(parameters),
      mesh_(std::move(mesh)) {}

std::string AutoencoderObjective::describe(std::int64_t parameters) const {
  return describe_autoencoder(autoencoder_.options, parameters);
}

std::int64_t AutoencoderObjective::token_width() const {
  return token_size(config_).tokens() * autoencoder_.options.channels;
}

StepResult AutoencoderObjective::accumulate(const StepWork& work) {
  StepResult result;
  for (int i = 0; i < work.micro_batches; ++i) {
    const Batch batch = work.next();
    const int clips = batch.packing.clips();
    for (int clip = 0; clip < clips; ++clip)
      add_clip(batch, clip, i + 1 == work.micro_batches && clip + 1 == clips, work, result);
  }
  return result;
}

void AutoencoderObjective::add_clip(const Batch& batch, int clip, bool last, const StepWork& work,
                                    StepResult& result) const {
  const auto place = static_cast<std::size_t>(clip);
  const std::int64_t first = batch.packing.offsets[place], tokens = batch.packing.length(clip);
  const Device device = parameters_.master().device();
  const Tensor pixels =
      clip_pixels(batch.tokens.rows(first, tokens), batch.packing.grids[place], token_size(config_))
          .to(device)
          .to(accumulator_of(parameters_.value_type()));
  const Shape& shape = pixels.shape();
  const double weight = config_.autoencoder.divergence_weight;
  const RandomStream noise(work.seed, Purpose::kLatents, static_cast<std::uint64_t>(work.step),
                           static_cast<std::uint64_t>(batch.samples[place]));
  FrameMemory encoding, decoding;
  const Var moments =
      autoencoder_.encode(Var::constant(pixels.to(parameters_.value_type())), encoding);
  const GaussianLatents drawn = draw_latents(moments, noise, weight / work.normaliser);
  const Var made = autoencoder_.decode(drawn.latents, decoding);
  const Shape frames{shape[0], shape[1] * shape[2] * shape[3]};
  const std::int32_t offsets[] = {0, static_cast<std::int32_t>(shape[0])};
  const SquaredErrorResult error =
      squared_error(reshape(made, frames), pixels.reshape(frames), offsets, 1 / work.normaliser);
  encoding = decoding = {};
  BackwardOptions options;
  if (work.on_leaf_ready)
    options.on_leaf_ready = [&](std::int64_t tag) { work.on_leaf_ready(tag, last); };
  backward({{error.loss, {}}}, options);

  const double squares = error.per_clip.to_vector<double>().front();
  result.squared_error += squares;
  result.divergence += weight * drawn.divergence;
  result.tokens += tokens;
  result.flops +=
      kForwardAndBackward *
      autoencoder_costs(autoencoder_.options, {.frames = static_cast<std::int32_t>(shape[0]),
                                               .height = static_cast<std::int32_t>(shape[1]),
                                               .width = static_cast<std::int32_t>(shape[2])})
          .operations;
  if (!std::isfinite(squares + drawn.divergence)) result.bad_clips.push_back(batch.clip_ids[place]);
}

Evaluation AutoencoderObjective::evaluate(const EvaluationSubject& subject,
                                          const RunFolder& run) const {
  return evaluate_reconstruction(autoencoder_, subject, run, mesh_);
}

}  // namespace muybridge
