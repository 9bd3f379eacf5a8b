#pragma once

#include "core/ops/norm.h"
#include "core/ops/rope.h"
#include "core/packing.h"

namespace muybridge {

// What layers look up about the tokens of one packed batch. Made once a batch, shared by all
// blocks.
struct TokenLayout {
  Packing packing;
  ClipRows clips;
  Tensor rope;   // [T, E], see rope_table
  Tensor sines;  // [T, D], see sine_positions; may be undefined

  TokenLayout(const Packing& tokens, const RopeAxes& axes, DType compute, Device device);
};

// Fixed sines of each token's place, [T, width] of `dtype` (Vaswani et al. 2017, over three axes):
// for time, then rows, then columns [sin | cos] of position * 10000^(-2i / w), where rows and
// columns have w = 2 floor(width / 6) each and time the rest. Slack rows are zero.
Tensor sine_positions(const Packing& packing, std::int64_t width, DType dtype);

}  // namespace muybridge
