#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/tensor.h"

namespace muybridge {

// The exact velocity of the flow from noise to a mixture of round Gaussians, E[noise - clean | x]:
// points [N, W] of f32 or f64, computed in f64.
struct MixtureFlow {
  std::vector<double> means;  // [K, W]
  std::vector<double> deviations, weights;

  Tensor operator()(const Tensor& x, double t) const {
    const std::vector<double> points = x.to(DType::kF64).to_vector<double>();
    const auto width = static_cast<std::size_t>(x.shape()[1]);
    std::vector<double> velocity(points.size());
    for (std::size_t row = 0; row < points.size(); row += width) {
      std::vector<double> logits;
      for (std::size_t k = 0; k < weights.size(); ++k) {
        double squares = 0;
        for (std::size_t i = 0; i < width; ++i) squares += std::pow(away(points, row, k, i, t), 2);
        logits.push_back(std::log(weights[k]) - squares / (2 * variance(k, t)) -
                         static_cast<double>(width) / 2 * std::log(variance(k, t)));
      }
      const double most = *std::ranges::max_element(logits);
      double sum = 0;
      for (double& each : logits) sum += each = std::exp(each - most);
      for (std::size_t k = 0; k < weights.size(); ++k)
        for (std::size_t i = 0; i < width; ++i) {
          const double slope = (t - (1 - t) * deviations[k] * deviations[k]) / variance(k, t);
          velocity[row + i] +=
              logits[k] / sum * (slope * away(points, row, k, i, t) - means[k * width + i]);
        }
    }
    return Tensor::of<double>(x.shape(), velocity).to(x.dtype());
  }

 private:
  double variance(std::size_t k, double t) const {
    return std::pow((1 - t) * deviations[k], 2) + t * t;
  }
  double away(const std::vector<double>& points, std::size_t row, std::size_t k, std::size_t i,
              double t) const {
    const std::size_t width = means.size() / weights.size();
    return points[row + i] - (1 - t) * means[k * width + i];
  }
};

inline double largest_difference(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.to(DType::kF64).to_vector<double>(),
                            y = b.to(DType::kF64).to_vector<double>();
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    most = std::isnan(x[i]) ? INFINITY : std::max(most, std::abs(x[i] - y[i]));
  return most;
}

}  // namespace muybridge
