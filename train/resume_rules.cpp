#include "train/resume_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace muybridge {
namespace {

using enum ResumeRule;

constexpr auto kRules = std::to_array<KeyRule>({
    {"device", kFree},
    {"threads", kFree},
    {"run.name", kFree},
    {"run.folder", kFree},
    {"data.train", kCurve},  // the clips in it, wherever it lies
    {"data.validation", kFree},
    {"data.frames_max", kCurve},
    {"data.max_caption_bytes", kCurve},
    {"data.caption_drop", kCurve},
    {"data.threads", kFree},
    {"data.prefetch", kFree},
    {"model.kind", kWeights},
    {"model.channels", kWeights},
    {"model.patch", kWeights},
    {"model.width", kWeights},
    {"model.depth", kWeights},
    {"model.heads", kWeights},
    {"model.mlp_width", kWeights},
    {"model.head_mlp_width", kWeights},
    {"model.text_width", kWeights},
    {"model.text_depth", kWeights},
    {"model.text_heads", kWeights},
    {"model.prediction", kWeights},
    {"model.sine_positions", kWeights},
    {"model.rope_theta", kWeights},
    {"model.eps", kWeights},
    {"model.recompute", kFree},
    {"autoencoder.latent_channels", kWeights},
    {"autoencoder.width", kWeights},
    {"autoencoder.multiples", kWeights},
    {"autoencoder.frame_halvings", kWeights},
    {"autoencoder.blocks", kWeights},
    {"autoencoder.divergence_weight", kCurve},
    {"flow.timesteps", kCurve},
    {"flow.shift", kCurve},
    {"flow.mean", kCurve},
    {"flow.std", kCurve},
    {"batch.tokens", kCurve},
    {"batch.micro_batches", kCurve},
    {"optimizer.matrices", kCurve},
    {"optimizer.learning_rate", kFree},
    {"optimizer.warmup_steps", kFree},
    {"optimizer.schedule", kFree},
    {"optimizer.min_learning_rate", kFree},
    {"optimizer.beta1", kCurve},
    {"optimizer.beta2", kCurve},
    {"optimizer.eps", kCurve},
    {"optimizer.matrix_rate", kFree},
    {"optimizer.momentum", kCurve},
    {"optimizer.weight_decay", kFree},
    {"optimizer.clip_norm", kFree},
    {"optimizer.ema_decay", kFree},
    {"optimizer.ema_warmup", kFree},
    {"train.steps", kFree},
    {"train.seed", kCurve},
    {"train.precision", kCurve},
    {"train.linear", kCurve},
    {"train.log_every", kFree},
    {"train.checkpoint_every", kFree},
    {"train.keep_checkpoints", kFree},
    {"train.commit", kFree},
    {"train.resume", kFree},
    {"train.init_from", kOrigin},
    {"train.max_seconds", kFree},
    {"train.liveness_seconds", kFree},
    {"train.collective_timeout_seconds", kFree},
    {"eval.every", kFree},
    {"eval.prompts", kFree},
    {"eval.samples", kFree},
    {"eval.steps", kFree},
    {"eval.solver", kFree},
    {"eval.guidance", kFree},
    {"eval.shift", kFree},
    {"eval.seed", kFree},
    {"eval.frames", kFree},
    {"eval.size", kFree},
    {"eval.fps", kFree},
    {"eval.upscale", kFree},
    {"eval.validation_clips", kFree},
    {"trace.steps", kFree},
    {"parallel.data", kFree},
    {"parallel.tensor", kFree},
    {"parallel.context", kFree},
    {"parallel.context_method", kFree},
    {"parallel.ring", kFree},
    {"parallel.pipeline", kFree},
    {"parallel.zero", kFree},
    {"parallel.schedule", kFree},
    {"parallel.virtual_stages", kFree},
    {"parallel.order", kFree},
});

}  // namespace

std::span<const KeyRule> resume_rules() { return kRules; }

ResumeRule rule_of(const std::string& key) {
  const auto* const found = std::ranges::find(kRules, key, &KeyRule::key);
  if (found == kRules.end())
    throw std::invalid_argument("resume_rules: " + key + " is not in the table");
  return found->rule;
}

std::string resume_rules_text() {
  const auto keys = [](ResumeRule rule) {
    std::string list;
    for (const KeyRule& each : kRules)
      if (each.rule == rule) list += fmt::format("{}`{}`", list.empty() ? "" : ", ", each.key);
    return list;
  };
  return fmt::format(
      "| when a run goes on | keys |\n|---|---|\n"
      "| must be as they were, also for `train.init_from` | {} |\n"
      "| must be as they were | {} |\n"
      "| must be as it was, or left away | {} |\n"
      "| may change | {} |\n",
      keys(kWeights), keys(kCurve), keys(kOrigin), keys(kFree));
}

}  // namespace muybridge
