#pragma once

#include "core/ops/norm.h"
#include "core/tape.h"

namespace muybridge {

// x + y, of one shape and kind.
Var add(const Var& x, const Var& y);

// x + y * gate, the gate being row `gate_index` of the token's clip in the modulation table
// [C, n, D].
Var gate_residual(const Var& x_TD, const Var& y_TD, const Var& table_CnD, int gate_index,
                  const ClipRows& clips);

// The modulation table [C, n, D] of a block: x [C, n * D], or [C, D] for all n entries, plus what
// all clips share [n, D]. The result is f32 (f64 for f64), whatever the operands are.
Var modulation_table(const Var& x, const Var& shared_nD);

}  // namespace muybridge
