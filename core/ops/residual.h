#pragma once

#include "core/ops/modulation.h"

namespace muybridge {

// T tokens  D width  C clips  n entries

// x + y, of one shape and kind.
Var add(const Var& x, const Var& y);

// x + y * gate, the gate being entry `gate` of the token's clip in the modulation table [C, n, D].
Var gate_residual(const Var& x_TD, const Var& y_TD, const Var& table_CnD, int gate,
                  const ClipRows& clips);

}  // namespace muybridge
