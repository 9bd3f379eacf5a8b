#pragma once

#include "core/tape.h"

namespace muybridge {

// What backward reads of x: its codes, half the bytes of bf16; or x, where another op has it alive
// anyway.
enum class KeptInput : bool { kCodes, kItself };

// linear() whose three products are those of 8 bits, each operand with a scale of its own: x and
// the weight f8e4m3, dy f8e5m2, sums f32. x, weight and bias are f32 or bf16, which results are
// rounded to. K and N must be multiples of 16.
Var linear_fp8(const Var& x, const Var& weight, const Var& bias = {},
               KeptInput kept = KeptInput::kCodes);

}  // namespace muybridge
