#pragma once

#include "core/tensor.h"

namespace muybridge {

// Slices of flat tensors, all of one length: f32 (f64), but `compute`, of any floating type.
struct AdamWSlices {
  Tensor master, m, v, gradient;
  Tensor average;  // exponential moving average of master; undefined where none is kept
  Tensor compute;  // the rounded copy; undefined where it is master itself
};

struct AdamWStep {
  std::int64_t step = 1;  // from 1, for the bias correction
  double learning_rate, beta1, beta2, eps, weight_decay;
  double gradient_scale = 1.0;  // multiplies the gradient first: clipping
  double average_weight = 0.0;  // 1 - decay of the average
};

// Decoupled weight decay (Loshchilov and Hutter 2019), in place.
void adamw(const AdamWSlices& slices, const AdamWStep& step);

}  // namespace muybridge
