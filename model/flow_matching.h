#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/ops/flow.h"

namespace muybridge {

enum class TimestepDensity : std::uint8_t { kLogitNormal, kUniform };

// How training times are drawn: a density on (0, 1), then the shift t' = s t / (1 + (s - 1) t) that
// moves them towards noise (Esser et al., arXiv:2403.03206).
struct FlowOptions {
  TimestepDensity density = TimestepDensity::kLogitNormal;
  double shift = 3.0;
  double mean = 0.0;  // of the normal whose sigmoid is taken
  double deviation = 1.0;
};

double shifted_time(double t, double shift);

// The time of draw `sample` at `step`, keyed by (seed, step, sample).
double training_time(const FlowOptions& options, std::uint64_t seed, std::int64_t step,
                     std::int64_t sample);

// Times and noise of one micro-batch; `samples` has an entry a clip.
struct FlowDraw {
  Tensor times;  // f32 [C]
  std::vector<RandomStream> noise;
};
FlowDraw draw_training_flow(const FlowOptions& options, std::uint64_t seed, std::int64_t step,
                            std::span<const std::int64_t> samples);

// The centre of quantile `index` of `count` of the training density, for validation.
double quantile_time(const FlowOptions& options, int index, int count);

}  // namespace muybridge
