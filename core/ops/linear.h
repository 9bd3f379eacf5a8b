#pragma once

#include "core/tape.h"

namespace muybridge {

// y = x weight^T + bias. x [.., K], weight [N, K], bias [N] or an empty Var.
Var linear(const Var& x, const Var& weight, const Var& bias = {});

}  // namespace muybridge
