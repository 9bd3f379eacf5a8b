#pragma once

#include <cstdint>
#include <vector>

#include "core/parameters.h"
#include "train/config.h"

namespace muybridge {

// AdamW with the moving average of the weights, over flat state in the order of the parameters.
class Optimizer {
 public:
  // `parameters` are allocated and outlive the optimizer. The average begins at their values.
  Optimizer(const Parameters& parameters, const TrainConfig::Optimizer& options);

  // The global norm of the gradients times `scale`.
  double gradient_norm(double scale) const;
  // One update with gradients times `scale`, clipped by `norm`, the result of gradient_norm.
  // `step` counts from 1.
  void step(std::int64_t step, double learning_rate, double scale, double norm) const;

  const Tensor& momentum() const { return momentum_; }
  const Tensor& variance() const { return variance_; }
  const Tensor& average() const { return average_; }
  // After the weights were replaced.
  void restart_average() const { average_.copy_from(parameters_.master()); }

 private:
  // Parameters that lie together and share a decay.
  struct Run {
    std::int64_t begin;
    std::int64_t count;
    double weight_decay;
  };

  const Parameters& parameters_;
  TrainConfig::Optimizer options_;
  std::vector<Run> runs_;
  Tensor momentum_;
  Tensor variance_;
  Tensor average_;
};

}  // namespace muybridge
