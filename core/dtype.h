#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__CUDACC__)
#define MUY_HD __host__ __device__
#else
#define MUY_HD
#endif

namespace muybridge {

enum class DType : std::uint8_t { kF32, kBF16, kF64, kI32, kI64, kU8, kF8E4M3, kF8E5M2 };

// The upper half of an IEEE float; rounding is to nearest, ties to even. NaN stays NaN.
struct bf16 {
  std::uint16_t bits = 0;

  bf16() = default;
  MUY_HD explicit bf16(float value) {
    std::uint32_t raw;
    std::memcpy(&raw, &value, sizeof raw);
    const std::uint32_t rounded = (raw + 0x7FFFU + ((raw >> 16) & 1U)) >> 16;
    const bool nan = (raw & 0x7FFFFFFFU) > 0x7F800000U;
    bits = static_cast<std::uint16_t>(nan ? (raw >> 16) | 0x40U : rounded);
  }
  MUY_HD explicit operator float() const {
    const std::uint32_t raw = static_cast<std::uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &raw, sizeof value);
    return value;
  }
};

// The type that arithmetic on T is done in.
template <class T>
struct AccumulatorOf {
  using type = float;
};
template <>
struct AccumulatorOf<double> {
  using type = double;
};
template <class T>
using Accumulator = typename AccumulatorOf<T>::type;

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::kF32;
}
template <>
constexpr DType dtype_of<bf16>() {
  return DType::kBF16;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::kF64;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::kI32;
}
template <>
constexpr DType dtype_of<std::int64_t>() {
  return DType::kI64;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::kU8;
}

std::size_t size_of(DType dtype);
std::string_view name_of(DType dtype);
// "f32", "bf16", "f64", "i32", "i64", "u8", "f8e4m3", "f8e5m2"; throws std::invalid_argument for
// others.
DType dtype_from_name(std::string_view name);

// The dtype of Accumulator<T>.
constexpr DType accumulator_of(DType dtype) {
  return dtype == DType::kF64 ? DType::kF64 : DType::kF32;
}

[[noreturn]] void fail_dtype(DType dtype, const char* what);

// Calls f.operator()<T>() with the floating type that `dtype` names; f is [&]<class T>() { .. }.
template <class F>
decltype(auto) dispatch_float(DType dtype, const char* what, F&& f) {
  switch (dtype) {
    case DType::kF32:
      return f.template operator()<float>();
    case DType::kBF16:
      return f.template operator()<bf16>();
    case DType::kF64:
      return f.template operator()<double>();
    default:
      fail_dtype(dtype, what);
  }
}

// The same for f32 and f64, the types that arithmetic is done in.
template <class F>
decltype(auto) dispatch_accumulator(DType dtype, const char* what, F&& f) {
  switch (dtype) {
    case DType::kF32:
      return f.template operator()<float>();
    case DType::kF64:
      return f.template operator()<double>();
    default:
      fail_dtype(dtype, what);
  }
}

}  // namespace muybridge
