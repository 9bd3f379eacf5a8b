#pragma once

#include "core/tape.h"

namespace muybridge {

// The id of a row of slack, which belongs to no text: its entry is zero.
inline constexpr std::int32_t kSlackId = -1;

// Rows of table [V, D] at ids i32 [L] -> [L, D]. The ids lie on the host, whatever the table's
// device. Throws std::invalid_argument on one that is neither of the table nor kSlackId.
Var embedding(const Tensor& host_ids_L, const Var& table_VD);

// [cos | sin] features of times [C] (f32, f64 where dtype is f64) -> [C, features] of `dtype`:
// frequencies max_period^(-i / (features / 2)) as in Vaswani et al. 2017. No gradient.
Tensor sinusoidal_features(const Tensor& times_C, std::int64_t features, DType dtype,
                           double max_period = 10000.0);

}  // namespace muybridge
