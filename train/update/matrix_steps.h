#pragma once

#include <optional>
#include <vector>

#include "core/parameters.h"
#include "parallel/mesh.h"
#include "train/config.h"
#include "train/update/state_slices.h"

namespace muybridge {

bool follows_muon(const Parameter& parameter, const TrainConfig::Optimizer& options);

// Muon's steps of the matrices that follow it. To make a direction orthogonal takes the whole
// matrix: of those that hold copies of it one rank does, its owner, and the costs are even. Where
// ranks share the state the owner gets the others' parts of the direction and sends them back.
class MatrixSteps {
 public:
  MatrixSteps(const Parameters& parameters, const TrainConfig::Optimizer& options, Mesh mesh,
              const OptimizerState& state);

  // All ranks at once. Gradients are multiplied by `scale`, and are used up.
  void step(double learning_rate, double scale, double average_weight) const;

 private:
  struct Matrix {
    const Parameter* parameter;
    const ParameterRange* range;
    std::optional<StateSlices> mine;  // what this rank keeps of it, if anything
    int owner = 0;                    // rank of those that hold copies

    FlatRange elements() const {
      return {parameter->offset, parameter->offset + parameter->shape.numel()};
    }
  };
  // A direction on its way: the whole on its owner.
  struct Direction {
    Tensor whole;
    Work work;
  };

  void choose_owners();
  Group& holders_of(const Matrix& matrix) const {
    return *mesh_.copies()[static_cast<std::size_t>(matrix.parameter->copies)];
  }
  FlatRange part_of_rank(const Matrix& matrix, int rank) const;
  Direction collect(const Matrix& matrix) const;
  Work give_back(const Matrix& matrix, const Direction& direction) const;
  Tensor orthogonal(const Tensor& direction, const Parameter& parameter) const;

  TrainConfig::Optimizer options_;
  Mesh mesh_;
  std::vector<Matrix> matrices_;
};

}  // namespace muybridge
