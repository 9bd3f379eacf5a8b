#pragma once

#include "core/tensor.h"

namespace muybridge {

// R rows  K columns

// Muon (Jordan et al. 2024): a matrix of weights follows its momentum made orthogonal, so that its
// step has the same length in every direction, also in those whose gradients are small. The parts
// of a step are apart because the middle one is worth sharing among ranks.

// m [R, K] = momentum * m + (1 - momentum) * scale * gradient; gradient becomes Nesterov's look
// ahead, momentum * m + (1 - momentum) * scale * gradient. Both f32 (f64).
void muon_momentum(const Tensor& m_RK, const Tensor& gradient_RK, double momentum, double scale);

inline constexpr int kMuonIterations = 5;

// The matrix with the singular vectors of the given one whose singular values are about 1: five
// steps of a quintic Newton-Schulz iteration from it over its Frobenius norm, each s -> 3.4445 s
// - 4.775 s^3 + 2.0315 s^5, which bring any s from 0.01 up to between 0.67 and 1.21. f32 (f64). A
// matrix of zeros stays one.
Tensor orthogonalize(const Tensor& matrix_RK);

// Slices of flat tensors as in AdamWSlices.
struct DescendSlices {
  Tensor master;
  Tensor direction;
  Tensor average;  // undefined where none is kept
  Tensor compute;  // undefined where it is master itself
};

struct DescendStep {
  double learning_rate, weight_decay;
  std::int64_t extent;  // the larger one of the whole matrix, of which the slices may be a share
  double average_weight = 0.0;  // 1 - decay of the average
};

// master -= learning_rate * (0.2 sqrt(extent) direction + weight_decay * master). The factor
// gives an orthogonal direction the mean square that AdamW's steps have, so that both do with one
// learning rate and one decay (Liu et al. 2025, arXiv:2502.16982). All [R, K].
void descend(const DescendSlices& slices, const DescendStep& step);

}  // namespace muybridge
