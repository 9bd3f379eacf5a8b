#pragma once

#include <cstdint>
#include <cstring>

#include "core/dtype.h"

namespace muybridge {

// A sign, kExponent bits, kMantissa bits; kLargest is the code of the largest finite number.
// Rounding is to nearest, ties to even. What is larger becomes the largest, infinity too; NaN stays
// NaN. The forms are those of NVIDIA's tensor cores (Micikevicius et al. 2022, arXiv:2209.05433).
template <int kExponent, int kMantissa, std::uint32_t kLargest>
struct Float8 {
  static constexpr int kBias = (1 << (kExponent - 1)) - 1;

  std::uint8_t bits = 0;

  Float8() = default;
  MUY_HD explicit Float8(float value) {
    std::uint32_t raw;
    std::memcpy(&raw, &value, sizeof raw);
    const std::uint32_t magnitude = raw & 0x7FFFFFFFU;
    const std::uint32_t even = (magnitude >> kShift) & 1U;
    const std::uint32_t normal =
        ((magnitude + (1U << (kShift - 1)) - 1U + even) >> kShift) - kBiasStep;
    // Added to a number whose last place is the smallest one here, it is rounded by the addition.
    constexpr float kAnchor = power_of_two(23 + 1 - kBias - kMantissa);
    float absolute, sum = kAnchor;
    std::memcpy(&absolute, &magnitude, sizeof absolute);
    sum += absolute;
    std::uint32_t anchored, anchor;
    std::memcpy(&anchored, &sum, sizeof anchored);
    std::memcpy(&anchor, &kAnchor, sizeof anchor);
    const bool below_normal = magnitude < std::uint32_t{127 + 1 - kBias} << 23;
    std::uint32_t code = below_normal ? anchored - anchor : normal;
    code = code > kLargest ? kLargest : code;
    code = magnitude > 0x7F800000U ? 0x7FU : code;
    bits = static_cast<std::uint8_t>(code | (raw >> 24 & 0x80U));
  }
  MUY_HD explicit operator float() const {
    const std::uint32_t magnitude = bits & 0x7FU;
    constexpr float kSmallest = power_of_two(1 - kBias - kMantissa);
    const float below_normal = static_cast<float>(static_cast<std::int32_t>(magnitude)) * kSmallest;
    std::uint32_t raw;
    std::memcpy(&raw, &below_normal, sizeof raw);
    if (magnitude >= 1U << kMantissa) raw = (magnitude + kBiasStep) << kShift;
    constexpr bool kHasInfinity = kLargest < 0x7EU;
    if (magnitude > kLargest)
      raw = kHasInfinity && magnitude == kLargest + 1 ? 0x7F800000U : 0x7FC00000U;
    raw |= std::uint32_t{bits & 0x80U} << 24;
    float value;
    std::memcpy(&value, &raw, sizeof value);
    return value;
  }
  static constexpr float largest() {
    return power_of_two(static_cast<int>(kLargest >> kMantissa) - kBias) *
           (1 + static_cast<float>(kLargest & ((1U << kMantissa) - 1)) / (1 << kMantissa));
  }

 private:
  static constexpr int kShift = 23 - kMantissa;
  static constexpr std::uint32_t kBiasStep = std::uint32_t{127 - kBias} << kMantissa;

  MUY_HD static constexpr float power_of_two(int exponent) {
    float power = 1;
    for (; exponent > 0; --exponent) power *= 2;
    for (; exponent < 0; ++exponent) power /= 2;
    return power;
  }
};

using F8E4M3 = Float8<4, 3, 0x7E>;  // up to 448, no infinity
using F8E5M2 = Float8<5, 2, 0x7B>;  // up to 57344

template <>
constexpr DType dtype_of<F8E4M3>() {
  return DType::kF8E4M3;
}
template <>
constexpr DType dtype_of<F8E5M2>() {
  return DType::kF8E5M2;
}

constexpr bool is_float8(DType dtype) { return dtype == DType::kF8E4M3 || dtype == DType::kF8E5M2; }

// Calls f.operator()<T>() with F8E4M3 or F8E5M2.
template <class F>
decltype(auto) dispatch_float8(DType dtype, const char* what, F&& f) {
  switch (dtype) {
    case DType::kF8E4M3:
      return f.template operator()<F8E4M3>();
    case DType::kF8E5M2:
      return f.template operator()<F8E5M2>();
    default:
      fail_dtype(dtype, what);
  }
}

}  // namespace muybridge
