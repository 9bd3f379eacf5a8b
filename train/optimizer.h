#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/parameters.h"
#include "parallel/mesh.h"
#include "train/config.h"

namespace muybridge {

// AdamW with the moving average of the weights, over flat state in the order of the parameters.
// With `matrices: muon` those between hidden states follow Muon instead, and their variance stays
// zero.
class Optimizer {
 public:
  // `parameters` are allocated, are what this rank of `mesh` holds of the model, and outlive the
  // optimizer. The average begins at their values. Ranks that hold the same
  // gradients share what Muon computes.
  Optimizer(const Parameters& parameters, const TrainConfig::Optimizer& options, Mesh mesh);

  // The norm of the gradients of the whole model times `scale`; what has copies counts once. All
  // ranks at once.
  double gradient_norm(double scale) const;
  // One update with gradients times `scale`, clipped by `norm`, the result of gradient_norm.
  // `step` counts from 1. The gradients are used up. All ranks of the group at once; throws as its
  // operations do.
  void step(std::int64_t step, double learning_rate, double scale, double norm) const;

  const Tensor& momentum() const { return momentum_; }
  const Tensor& variance() const { return variance_; }
  const Tensor& average() const { return average_; }
  // After the weights were replaced.
  void restart_average() const { average_.copy_from(parameters_.master()); }

 private:
  // Parameters that lie together and share a decay; AdamW's.
  struct Run {
    std::int64_t begin;
    std::int64_t count;
    double weight_decay;
  };
  // One of Muon's, and the rank of those that hold the same that makes its steps orthogonal.
  struct Matrix {
    const Parameter* parameter;
    int owner;
  };

  void plan_adamw();
  void plan_muon();
  void make_orthogonal(const Tensor& direction, const Parameter& parameter) const;
  void step_matrices(double learning_rate, double scale, double average_weight) const;
  Group& holders_of(const Parameter& parameter) const {
    return *mesh_.copies()[static_cast<std::size_t>(parameter.copies)];
  }
  bool rounded() const { return parameters_.compute().dtype() != parameters_.master().dtype(); }

  const Parameters& parameters_;
  TrainConfig::Optimizer options_;
  const Mesh mesh_;
  std::vector<Run> runs_;
  std::vector<Matrix> matrices_;
  Tensor momentum_;
  Tensor variance_;
  Tensor average_;
};

}  // namespace muybridge
