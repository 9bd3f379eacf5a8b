#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/dtype.h"

// Scalar functions that loops of the CPU vectorise (no branches, no library calls) and CUDA kernels
// share. f32 results are within 2 units in the last place; f64 goes to the C library.
namespace muybridge::math {

// exp(x), x = n ln2 + r: 2^n times a polynomial of r in [-ln2/2, ln2/2] (Cody and Waite).
MUY_HD inline float exp(float x) {
#if defined(__CUDA_ARCH__)
  return expf(x);
#else
  // Written as selections, not std::min, so that NaN passes through.
  const float clamped = x < -87.33654F ? -87.33654F : (x > 88.72283F ? 88.72283F : x);
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: rounds to an integer
  const float n = (clamped * 1.4426950408889634F + kShift) - kShift;
  const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.3888949086377719e-3F;
  p = p * r + 8.3334519073570e-3F;
  p = p * r + 4.16666425741e-2F;
  p = p * r + 0.166666658F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  // Two factors, so that n = 128 does not overflow the exponent field.
  const auto half = static_cast<std::int32_t>(n) >> 1;
  const auto rest = static_cast<std::int32_t>(n) - half;
  const std::int32_t bits_a = (half + 127) << 23;
  const std::int32_t bits_b = (rest + 127) << 23;
  float a, b;
  std::memcpy(&a, &bits_a, sizeof a);
  std::memcpy(&b, &bits_b, sizeof b);
  return p * a * b;
#endif
}
MUY_HD inline double exp(double x) { return std::exp(x); }

template <class A>
MUY_HD inline A sigmoid(A x) {
  return A{1} / (A{1} + exp(-x));
}

template <class A>
MUY_HD inline A silu(A x) {
  return x * sigmoid(x);
}
template <class A>
MUY_HD inline A silu_grad(A x) {
  const A s = sigmoid(x);
  return s * (A{1} + x * (A{1} - s));
}

// GELU with the tanh approximation (Hendrycks and Gimpel 2016): tanh(u) = 2 sigmoid(2u) - 1.
template <class A>
MUY_HD inline A gelu(A x) {
  constexpr A kRoot = A(0.7978845608028654), kCubic = A(0.044715);
  return x * sigmoid(2 * kRoot * (x + kCubic * x * x * x));
}
template <class A>
MUY_HD inline A gelu_grad(A x) {
  constexpr A kRoot = A(0.7978845608028654), kCubic = A(0.044715);
  const A s = sigmoid(2 * kRoot * (x + kCubic * x * x * x));
  return s + x * s * (A{1} - s) * 2 * kRoot * (A{1} + 3 * kCubic * x * x);
}

}  // namespace muybridge::math
