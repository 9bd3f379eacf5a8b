#pragma once

#include "core/tape.h"

namespace muybridge {

Var silu(const Var& x);

// GELU (tanh approximation) of x [.., D] + bias [D]: the bias of the linear layer before it.
Var bias_gelu(const Var& x, const Var& bias_D);

// GELU (tanh approximation) of the first half of each row of x [.., 2 D], times the other half:
// [.., D] (GEGLU, Shazeer 2020, arXiv:2002.05202).
Var gated_gelu(const Var& x);

}  // namespace muybridge
