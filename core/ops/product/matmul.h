#pragma once

#include "core/tensor.h"

namespace muybridge {

// How a stored matrix takes part in a product.
enum class Trans : bool { kNo = false, kYes = true };

struct MatmulOptions {
  Trans a = Trans::kNo;
  Trans b = Trans::kNo;
  bool accumulate = false;  // c += instead of c =
  Tensor bias;              // [N], added to every row; may be undefined
  // [1] f32, what codes of 8 bits are to be multiplied by; undefined for all other types.
  Tensor scale_a, scale_b;
};

// c[M,N] = op(a)[M,K] op(b)[K,N]. a and b share an element type (f32, bf16, f64); c is of it, or
// f32 where they are bf16. Where K is 0 the product is 0. Sums are f32 (f64 for f64). oneDNN on the
// CPU, for bf16 in f32 where the CPU has no AVX-512; cuBLASLt on CUDA. Throws std::invalid_argument
// with all shapes when they do not fit.
//
// Codes of 8 bits (core/float8.h) have the form that tensor cores take: c [M,N] = a [M,K] b
// [N,K]^T, N and K multiples of 16, of which at most one operand is f8e5m2, with both scales; c is
// f32 or bf16, rounded once. The CPU multiplies them as bf16, which holds them exactly. On CUDA
// sums of two f8e4m3 may be those of the tensor cores' fast accumulation, which is for forward.
void matmul(const Tensor& a, const Tensor& b, const Tensor& c, const MatmulOptions& options = {});

}  // namespace muybridge
