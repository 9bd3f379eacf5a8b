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

// Natural logarithm of a positive normal number: exponent times ln2 plus 2 atanh of a ratio.
MUY_HD inline float log(float x) {
#if defined(__CUDA_ARCH__)
  return logf(x);
#else
  std::int32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  // The mantissa is taken in [sqrt(1/2), sqrt(2)).
  const std::int32_t exponent = (bits - 0x3F3504F3) >> 23;
  const std::int32_t mantissa_bits = bits - (exponent << 23);
  float mantissa;
  std::memcpy(&mantissa, &mantissa_bits, sizeof mantissa);
  const float z = (mantissa - 1.0F) / (mantissa + 1.0F);
  const float z2 = z * z;
  const float series =
      2.0F * z * (1.0F + z2 * (0.33333334F + z2 * (0.2F + z2 * (0.14285715F + z2 * 0.11111111F))));
  return static_cast<float>(exponent) * 0.6931471805599453F + series;
#endif
}
MUY_HD inline double log(double x) { return std::log(x); }

// Cosine and sine of 2 pi `turns`, turns in [0, 1): the angle is brought to [-1/8, 1/8] turns.
MUY_HD inline void cos_sin_turns(float turns, float& cosine, float& sine) {
  const auto quarter = static_cast<std::int32_t>(turns * 4.0F + 0.5F);
  const float angle = (turns - static_cast<float>(quarter) * 0.25F) * 6.283185307179586F;
  const float a2 = angle * angle;
  const float s = angle * (1.0F + a2 * (-0.16666667F + a2 * (8.3333310e-3F + a2 * -1.9840874e-4F)));
  const float c =
      1.0F + a2 * (-0.5F + a2 * (4.1666653e-2F + a2 * (-1.3888397e-3F + a2 * 2.4776e-5F)));
  const bool swapped = (quarter & 1) != 0;
  const float cosine_size = swapped ? s : c, sine_size = swapped ? c : s;
  cosine = ((quarter + 1) & 2) ? -cosine_size : cosine_size;
  sine = (quarter & 2) ? -sine_size : sine_size;
}

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
