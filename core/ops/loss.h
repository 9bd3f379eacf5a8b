#pragma once

#include <span>

#include "core/tape.h"

namespace muybridge {

struct SquaredErrorResult {
  Var loss;         // one element, f32 (f64): the sum over all clips times `scale`
  Tensor per_clip;  // f64 [C]: each clip's sum, not scaled
};

// Squared error of prediction [T, P] against target [T, P] (f32; f64 for f64) over the rows of each
// clip; rows after offsets.back() do not count. Sums are f64.
SquaredErrorResult squared_error(const Var& prediction_TP, const Tensor& target_TP,
                                 std::span<const std::int32_t> offsets, double scale);

}  // namespace muybridge
