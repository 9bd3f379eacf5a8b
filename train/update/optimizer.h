#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/parameters.h"
#include "parallel/mesh.h"
#include "train/config.h"
#include "train/update/matrix_steps.h"
#include "train/update/state_slices.h"

namespace muybridge {

// AdamW with the moving average of the weights, over what this rank keeps of the state, in the
// order of the parameters. With `matrices: muon` those between hidden states follow Muon instead,
// and their variance stays zero.
class Optimizer {
 public:
  // `parameters` are allocated, are what this rank of `mesh` holds of the model, and outlive the
  // optimizer. The average begins at their values. Ranks that hold the same
  // gradients share what Muon computes.
  Optimizer(const Parameters& parameters, const TrainConfig::Optimizer& options, Mesh mesh);

  // The norm of the gradients of the whole model times `scale`; what has copies counts once. All
  // ranks at once.
  double gradient_norm(double scale) const;
  // One update with gradients times `scale`, clipped by `norm`, the result of gradient_norm; the
  // values that are there all the time follow, on all ranks. `step` counts from 1. The gradients
  // are used up. All ranks of the group at once; throws as its operations do.
  void step(std::int64_t step, double learning_rate, double scale, double norm) const;

  const Tensor& momentum() const { return state_.momentum; }
  const Tensor& variance() const { return state_.variance; }
  const Tensor& average() const { return state_.average; }
  // After the weights were replaced.
  void restart_average() const { state_.average.copy_from(parameters_.master()); }

 private:
  // Elements that lie together and share a decay; AdamW's.
  struct Run {
    StateSlices slices;
    double weight_decay;
  };

  void plan_runs(const ParameterRange& range);

  const Parameters& parameters_;
  TrainConfig::Optimizer options_;
  const Mesh mesh_;
  OptimizerState state_;
  std::vector<Run> runs_;
  std::optional<MatrixSteps> matrices_;
};

}  // namespace muybridge
