#pragma once

#include "core/tape.h"

namespace muybridge {

Var silu(const Var& x);

// GELU (tanh approximation) of x [.., D] + bias [D]: the bias of the linear layer before it.
Var bias_gelu(const Var& x, const Var& bias_D);

}  // namespace muybridge
