#include "train/model_options.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/file.h"
#include "data/synthetic.h"

namespace muybridge {
namespace {

// Distinct captions in the order of the corpus, at most `limit` of them (0: all).
std::vector<std::string> captions_of(const CorpusIndex& corpus, int limit) {
  std::vector<std::int64_t> clips = corpus.clips_of("validation");
  if (clips.empty()) clips = corpus.clips_of("train");
  std::vector<std::string> captions;
  std::set<std::string> seen;
  for (const std::int64_t clip : clips) {
    if (limit > 0 && captions.size() == static_cast<std::size_t>(limit)) break;
    const std::string caption = corpus.record(clip).caption;
    if (!caption.empty() && seen.insert(caption).second) captions.push_back(caption);
  }
  return captions;
}

std::vector<std::string> all_prompts(const TextOrList& prompts, int limit,
                                     const CorpusIndex* corpus) {
  if (!prompts.list.empty()) return prompts.list;
  if (prompts.text.empty())
    return corpus != nullptr ? captions_of(*corpus, limit) : std::vector<std::string>{};
  if (const auto kind = corpus_kind(prompts.text)) return evaluation_prompts(*kind);
  std::vector<std::string> all;
  std::istringstream lines(read_file(prompts.text));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) all.push_back(line);
  if (all.empty()) fail(ExitCode::kUsage, "{}: no prompt in it; one a line", prompts.text);
  return all;
}

// About count / wanted, and without a factor in common with count.
int stride_over(int count, int wanted) {
  int stride = wanted > 0 ? std::max(1, count / wanted) : 1;
  while (std::gcd(stride, count) > 1) ++stride;
  return stride;
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
          .text_width = m.text_width,
          .text_depth = m.text_depth,
          .text_heads = m.text_heads,
          .prediction = m.prediction == TrainConfig::Prediction::kClean ? Prediction::kClean
                                                                        : Prediction::kVelocity,
          .rope_theta = m.rope_theta,
          .eps = m.eps,
          .sine_positions = m.sine_positions,
          .recompute = m.recompute};
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
  options.patch = dit_options(config).patch;
  options.token_budget = config.batch.tokens;
  options.max_frames = config.data.frames_max;
  options.max_caption_bytes = config.data.max_caption_bytes;
  options.caption_drop_rate = static_cast<float>(config.data.caption_drop);
  options.seed = static_cast<std::uint64_t>(config.train.seed);
  options.micro_batches = config.batch.micro_batches;
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
  const auto solver = [&] {
    switch (e.solver) {
      case TrainConfig::Solver::kHeun:
        return Solver::kHeun;
      case TrainConfig::Solver::kAb2:
        return Solver::kAb2;
      case TrainConfig::Solver::kEuler:
        break;
    }
    return Solver::kEuler;
  };
  return {.sampler = {.solver = solver(),
                      .steps = e.steps,
                      .guidance = e.guidance,
                      .shift = config.flow.shift,
                      .max_caption_bytes = static_cast<std::size_t>(config.data.max_caption_bytes)},
          .frames = e.frames,
          .width = e.size.width,
          .height = e.size.height,
          .fps = e.fps,
          .upscale = e.upscale,
          .token_budget = std::max<std::int64_t>(config.batch.tokens, 8192)};
}

DType compute_dtype(const TrainConfig& config) {
  return config.train.precision == TrainConfig::Precision::kBF16 ? DType::kBF16 : DType::kF32;
}

std::vector<EvaluationPrompt> evaluation_prompts(const TextOrList& prompts, int limit,
                                                 const CorpusIndex* corpus) {
  const std::vector<std::string> all = all_prompts(prompts, limit, corpus);
  const int count = static_cast<int>(all.size());
  const int wanted = limit > 0 ? std::min(limit, count) : count;
  std::vector<int> picked;
  for (int i = 0, stride = stride_over(count, wanted); i < wanted; ++i)
    picked.push_back(static_cast<int>(std::int64_t{i} * stride % count));
  std::ranges::sort(picked);
  std::vector<EvaluationPrompt> result;
  result.reserve(picked.size());
  for (const int ordinal : picked)
    result.push_back({.text = all[static_cast<std::size_t>(ordinal)], .ordinal = ordinal});
  return result;
}

}  // namespace muybridge
