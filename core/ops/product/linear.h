#pragma once

#include "core/tape.h"

namespace muybridge {

// Whether a result is rounded to the operands' type or stays in that of the sums, f32 (f64).
enum class Rounding : bool { kToOperands, kNone };

// y = x weight^T + bias. x [.., K], weight [N, K], bias [N] or an empty Var.
Var linear(const Var& x, const Var& weight, const Var& bias = {},
           Rounding rounding = Rounding::kToOperands);

// What linear layers are made of, whichever numbers they multiply: x as a matrix, and y's shape.
Tensor as_matrix(const Tensor& x);
Shape shape_of_linear(const Var& x, const Var& weight);

// x + bias, of one kind: for a product whose sum is complete only behind an exchange of ranks.
Var add_bias(const Var& x_TD, const Var& bias_D);

}  // namespace muybridge
