#pragma once

#include "core/tape.h"

namespace muybridge {

// Rows of table [V, D] at ids i32 [L] -> [L, D]. Throws std::invalid_argument on an id outside V.
Var embedding(const Tensor& ids_L, const Var& table_VD);

// [cos | sin] features of times [C] (f32, f64 where dtype is f64) -> [C, features] of `dtype`:
// frequencies max_period^(-i / (features / 2)) as in Vaswani et al. 2017. No gradient.
Tensor sinusoidal_features(const Tensor& times_C, std::int64_t features, DType dtype,
                           double max_period = 10000.0);

}  // namespace muybridge
