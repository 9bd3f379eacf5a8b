#pragma once

#include "core/tape.h"

namespace muybridge {

// T tokens  D width  C clips

// Which clip each row of a packed tensor belongs to, and the clips' offsets: what ops that look a
// token's clip up need. Rows of slack belong to the last clip and to no segment of sums.
struct ClipRows {
  Tensor clip_of;                     // i32 [T]; undefined: all rows belong to entry 0
  std::vector<std::int32_t> offsets;  // [C + 1]

  const std::int32_t* pointer() const {
    return clip_of.defined() ? clip_of.data<std::int32_t>() : nullptr;
  }
};

// LayerNorm without affine parameters, then y = xhat * (1 + scale) + shift with the rows
// `shift_index` and `scale_index` of the token's clip in the modulation table [C, n, D] (adaLN,
// Peebles and Xie 2023). The table is f32 (f64 for f64); arithmetic is too.
Var norm_modulate(const Var& x_TD, const Var& table_CnD, int shift_index, int scale_index,
                  const ClipRows& clips, double eps);

// LayerNorm with weight and bias [D].
Var layer_norm(const Var& x_TD, const Var& weight_D, const Var& bias_D, double eps);

// x / rms(x) * weight over the last dimension (Zhang and Sennrich 2019).
Var rms_norm(const Var& x_TD, const Var& weight_D, double eps);

}  // namespace muybridge
