#include "core/dtype.h"

#include <fmt/format.h>

#include <stdexcept>

namespace muybridge {

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kBF16:
      return 2;
    case DType::kF64:
    case DType::kI64:
      return 8;
    case DType::kU8:
    case DType::kF8E4M3:
    case DType::kF8E5M2:
      return 1;
  }
  return 0;
}

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "f32";
    case DType::kBF16:
      return "bf16";
    case DType::kF64:
      return "f64";
    case DType::kI32:
      return "i32";
    case DType::kI64:
      return "i64";
    case DType::kU8:
      return "u8";
    case DType::kF8E4M3:
      return "f8e4m3";
    case DType::kF8E5M2:
      return "f8e5m2";
  }
  return "?";
}

DType dtype_from_name(std::string_view name) {
  for (DType dtype : {DType::kF32, DType::kBF16, DType::kF64, DType::kI32, DType::kI64, DType::kU8,
                      DType::kF8E4M3, DType::kF8E5M2})
    if (name == name_of(dtype)) return dtype;
  throw std::invalid_argument(
      fmt::format("unknown element type '{}'; known: f32 bf16 f64 i32 i64 u8 f8e4m3 f8e5m2", name));
}

void fail_dtype(DType dtype, const char* what) {
  throw std::invalid_argument(
      fmt::format("{}: elements are {}, a floating type is needed", what, name_of(dtype)));
}

}  // namespace muybridge
