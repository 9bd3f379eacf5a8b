#pragma once

#include "core/ops/modulation.h"

namespace muybridge {

// T tokens  D width  C clips  n entries

// LayerNorm without affine parameters, then y = xhat * (1 + scale) + shift with the entries `shift`
// and `scale` of the token's clip in the modulation table [C, n, D] (adaLN, Peebles and Xie 2023).
// The table is f32 (f64 for f64); arithmetic is too. Rows of slack get no gradient.
Var norm_modulate(const Var& x_TD, const Var& table_CnD, int shift, int scale,
                  const ClipRows& clips, double eps);

// LayerNorm with weight and bias [D].
Var layer_norm(const Var& x_TD, const Var& weight_D, const Var& bias_D, double eps);

// x / rms(x) * weight over the last dimension (Zhang and Sennrich 2019).
Var rms_norm(const Var& x_TD, const Var& weight_D, double eps);

}  // namespace muybridge
