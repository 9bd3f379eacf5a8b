#include "train/model_options.h"

#include <algorithm>

#include "core/error.h"
#include "model/dit_parallel.h"

namespace muybridge {
namespace {

// Pixels to latents in a video autoencoder of the kind of Wan2.1.
constexpr int kFramesOfLatent = 4, kPixelsOfLatent = 8;

// A step's operations on a clip: backward makes attention's scores again, so it costs 2.5 times the
// forward and not twice. An autoencoder's are those of its pixels.
CostModel cost_of_tokens(const TrainConfig& config) {
  if (is_autoencoder(config)) return {.linear = 1, .quadratic = 0};
  constexpr double kAttention = 3.5 / 3;
  const TokenCosts token = token_costs(dit_options(config));
  return {.linear = config.model.depth * token.products + token.first + token.last,
          .quadratic = kAttention * config.model.depth * token.pair};
}

}  // namespace

DitOptions dit_options(const TrainConfig& config) {
  const TrainConfig::Model& m = config.model;
  return {.channels = m.channels,
          .patch = {.frames = m.patch[0], .height = m.patch[1], .width = m.patch[2]},
          .width = m.width,
          .depth = m.depth,
          .heads = m.heads,
          .mlp_width = m.mlp_width,
          .head_mlp_width = m.head_mlp_width,
          .text_width = m.text_width,
          .text_depth = m.text_depth,
          .text_heads = m.text_heads,
          .prediction = m.prediction == TrainConfig::Prediction::kClean ? Prediction::kClean
                                                                        : Prediction::kVelocity,
          .rope_theta = m.rope_theta,
          .eps = m.eps,
          .sine_positions = m.sine_positions,
          .recompute = m.recompute,
          .linear = config.train.linear};
}

bool is_autoencoder(const TrainConfig& config) {
  return config.model.kind == TrainConfig::Kind::kAutoencoder;
}

void require_dit(const TrainConfig& config, std::string_view command) {
  if (is_autoencoder(config))
    fail(ExitCode::kUsage,
         "{} takes a diffusion transformer, and this is a video autoencoder (model.kind)", command);
}

AutoencoderOptions autoencoder_options(const TrainConfig& config) {
  const TrainConfig::Autoencoder& a = config.autoencoder;
  AutoencoderOptions options{.latent_channels = a.latent_channels,
                             .width = a.width,
                             .multiples = {a.multiples.begin(), a.multiples.end()},
                             .halves_frames = {},
                             .blocks = a.blocks};
  for (std::size_t step = 1; step < a.multiples.size(); ++step)
    options.halves_frames.push_back(a.multiples.size() - step <=
                                    static_cast<std::size_t>(a.frame_halvings));
  return options;
}

Grid token_size(const TrainConfig& config) {
  if (!is_autoencoder(config)) return dit_options(config).patch;
  const auto side = static_cast<std::int32_t>(autoencoder_options(config).side_factor());
  return {.frames = 1, .height = side, .width = side};
}

FlowOptions flow_options(const TrainConfig& config) {
  return {.density = config.flow.timesteps == TrainConfig::Timesteps::kUniform
                         ? TimestepDensity::kUniform
                         : TimestepDensity::kLogitNormal,
          .shift = config.flow.shift,
          .mean = config.flow.mean,
          .deviation = config.flow.std};
}

LoaderOptions loader_options(const TrainConfig& config) {
  LoaderOptions options;
  options.patch = token_size(config);
  options.token_budget = config.batch.tokens;
  options.row_step = std::int64_t{config.parallel.tensor} * config.parallel.context;
  options.max_frames = config.data.frames_max;
  options.max_caption_bytes = config.data.max_caption_bytes;
  options.caption_drop_rate = static_cast<float>(config.data.caption_drop);
  options.seed = static_cast<std::uint64_t>(config.train.seed);
  options.micro_batches = config.batch.micro_batches;
  options.cost = cost_of_tokens(config);
  if (is_autoencoder(config))
    options.frame_step = static_cast<int>(autoencoder_options(config).frame_factor());
  options.threads = config.data.threads;
  options.prefetch = config.data.prefetch;
  return options;
}

ValidationOptions validation_options(const TrainConfig& config) {
  return {.flow = flow_options(config),
          .seed = static_cast<std::uint64_t>(config.eval.seed),
          .clips = config.eval.validation_clips};
}

RenderOptions render_options(const TrainConfig& config) {
  const TrainConfig::Eval& e = config.eval;
  return {.sampler = {.solver = e.solver,
                      .steps = e.steps,
                      .guidance = e.guidance,
                      .shift = e.shift > 0 ? e.shift : config.flow.shift,
                      .max_caption_bytes = static_cast<std::size_t>(config.data.max_caption_bytes)},
          .frames = e.frames,
          .width = e.size.width,
          .height = e.size.height,
          .fps = e.fps,
          .upscale = e.upscale,
          .token_budget = std::max<std::int64_t>(config.batch.tokens, 8192)};
}

Device device_of(const TrainConfig& config) {
  using enum TrainConfig::DeviceChoice;
  return config.device == kCuda || config.device == kSharedCuda ? Device::kCuda : Device::kCpu;
}

DType compute_dtype(const TrainConfig& config) {
  return config.train.precision == TrainConfig::Precision::kBF16 ? DType::kBF16 : DType::kF32;
}

Sharing sharing_of(const TrainConfig& config) { return static_cast<Sharing>(config.parallel.zero); }

MeshSizes mesh_sizes(const TrainConfig& config) {
  const TrainConfig::Parallel& p = config.parallel;
  const bool ring = p.context_method == TrainConfig::ContextMethod::kRing;
  return {.data = p.data,
          .tensor = p.tensor,
          .context = p.context,
          .pipeline = p.pipeline,
          .ring = !ring        ? 1
                  : p.ring > 0 ? p.ring
                               : p.context,
          .order = axis_order_from(p.order).value_or(kAxes)};
}

Placement placement_of(const TrainConfig& config) {
  const TrainConfig::Parallel& p = config.parallel;
  const auto usual = [&] {
    switch (p.schedule) {
      case ScheduleKind::kInterleaved:
      case ScheduleKind::kZbV:
      case ScheduleKind::kTuned:
        return 2;
      default:
        return 1;
    }
  };
  return placement_of(p.schedule, p.pipeline, p.virtual_stages > 0 ? p.virtual_stages : usual());
}

std::optional<Grid> usual_clip(const TrainConfig& config) {
  const TrainConfig::Eval& e = config.eval;
  if (e.frames == 0 || e.size.width == 0) return {};
  const bool pixels = config.model.channels == 3;
  const int frames = pixels ? e.frames : (e.frames - 1) / kFramesOfLatent + 1;
  const int scale = pixels ? 1 : kPixelsOfLatent;
  return Grid{.frames = std::max(1, frames / config.model.patch[0]),
              .height = std::max(1, e.size.height / scale / config.model.patch[1]),
              .width = std::max(1, e.size.width / scale / config.model.patch[2])};
}

std::int64_t usual_clip_tokens(const TrainConfig& config) {
  const std::optional<Grid> clip = usual_clip(config);
  return clip ? std::min<std::int64_t>(clip->tokens(), config.batch.tokens) : config.batch.tokens;
}

PipelineSchedule schedule_of(const TrainConfig& config, int micro_batches) {
  const Placement placement = placement_of(config);
  return make_schedule({.kind = config.parallel.schedule,
                        .stages = placement.stages,
                        .virtual_stages = placement.virtual_stages,
                        .micro_batches = micro_batches,
                        .costs = section_costs(dit_options(config), placement.sections(),
                                               usual_clip_tokens(config))});
}

}  // namespace muybridge
