#include "model/flow_matching.h"

#include <cmath>

namespace muybridge {
namespace {

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// Inverse of the standard normal's distribution, by bisection: exact enough and without a table.
double normal_quantile(double p) {
  double low = -10, high = 10;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double shifted_time(double t, double shift) { return shift * t / (1 + (shift - 1) * t); }

double training_time(const FlowOptions& o, std::uint64_t seed, std::int64_t step,
                     std::int64_t sample) {
  const RandomStream stream(seed, Purpose::kTimestep, static_cast<std::uint64_t>(step),
                            static_cast<std::uint64_t>(sample));
  const double t = o.density == TimestepDensity::kUniform
                       ? (static_cast<double>(stream.bits(0)) + 0.5) * 0x1p-32
                       : sigmoid(o.mean + o.deviation * static_cast<double>(stream.normal(0)));
  return shifted_time(t, o.shift);
}

FlowDraw draw_training_flow(const FlowOptions& options, std::uint64_t seed, std::int64_t step,
                            std::span<const std::int64_t> samples) {
  FlowDraw draw{.times = Tensor::empty({static_cast<std::int64_t>(samples.size())}), .noise = {}};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    draw.times.data<float>()[i] =
        static_cast<float>(training_time(options, seed, step, samples[i]));
    draw.noise.emplace_back(seed, Purpose::kNoise, static_cast<std::uint64_t>(step),
                            static_cast<std::uint64_t>(samples[i]));
  }
  return draw;
}

double quantile_time(const FlowOptions& o, int index, int count) {
  const double p = (index + 0.5) / count;
  const double t = o.density == TimestepDensity::kUniform
                       ? p
                       : sigmoid(o.mean + o.deviation * normal_quantile(p));
  return shifted_time(t, o.shift);
}

}  // namespace muybridge
