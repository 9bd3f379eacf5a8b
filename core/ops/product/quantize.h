#pragma once

#include "core/tensor.h"

namespace muybridge {

// A matrix of numbers of 8 bits, whose codes are to be multiplied by `scale`, an f32 where they
// lie.
struct Scaled {
  Tensor codes;
  Tensor scale;  // [1]
};

// The scale with which the largest magnitude in x, f32 or bf16, becomes the largest number of
// `type`. It follows from x alone, with no memory of steps before: what one rank holds it can make
// again, commits need not keep it, and no number is cut off that grew in one step. Such a memory
// ("delayed scaling") saves one reading of x. Numbers below 2^-100 do not make it smaller.
Tensor scale_of(const Tensor& x, DType type);

// Matrices as products of 8 bits want them: what is summed over lies side by side. x is f32 or
// bf16 [.., K], R rows, and K a multiple of 16. `scale` is scale_of(x).
struct Quantized {
  Scaled by_rows;     // [R, K]
  Scaled by_columns;  // [K, R rounded up to a multiple of 16], zeros behind R
};
Scaled quantize_rows(const Tensor& x, DType type);
Scaled quantize_columns(const Tensor& x, DType type, const Tensor& scale);
Quantized quantize(const Tensor& x, DType type);

}  // namespace muybridge
