#pragma once

#include "core/tensor.h"

namespace muybridge {

// R rows  B blocks  N parts  W columns of a part

// A row holds B blocks (q, k and v, say), each of N equal parts (the heads of N ranks).

// [R, B N W] -> [N, R, B W]: the parts of all rows, one part after the other.
Tensor parts_apart(const Tensor& x, std::int64_t blocks, std::int64_t parts);
// [N, R, B W] -> [R, B N W].
Tensor parts_together(const Tensor& x_NRBW, std::int64_t blocks);

}  // namespace muybridge
