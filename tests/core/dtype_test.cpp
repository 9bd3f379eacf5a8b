#include "core/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace muybridge {
namespace {

TEST(DType, NamesAndSizesBelongTogether) {
  const struct {
    DType dtype;
    const char* name;
    std::size_t size;
  } kAll[] = {{DType::kF32, "f32", 4},       {DType::kBF16, "bf16", 2},    {DType::kF64, "f64", 8},
              {DType::kI32, "i32", 4},       {DType::kI64, "i64", 8},      {DType::kU8, "u8", 1},
              {DType::kF8E4M3, "f8e4m3", 1}, {DType::kF8E5M2, "f8e5m2", 1}};
  for (const auto& each : kAll) {
    EXPECT_EQ(name_of(each.dtype), each.name);
    EXPECT_EQ(size_of(each.dtype), each.size);
    EXPECT_EQ(dtype_from_name(each.name), each.dtype);
  }
  EXPECT_THROW(dtype_from_name("f16"), std::invalid_argument);
  EXPECT_THROW(dtype_from_name(""), std::invalid_argument);
}

TEST(DType, DispatchNamesTheTypeAndRefusesIntegers) {
  const auto size = [](DType dtype) {
    return dispatch_float(dtype, "the test", [&]<class T>() { return sizeof(T); });
  };
  EXPECT_EQ(size(DType::kF32), 4U);
  EXPECT_EQ(size(DType::kBF16), 2U);
  EXPECT_EQ(size(DType::kF64), 8U);
  try {
    size(DType::kI32);
    FAIL() << "integers were taken for floats";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("the test"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("i32"), std::string::npos) << error.what();
  }
  EXPECT_THROW(dispatch_accumulator(DType::kBF16, "a sum", [&]<class A>() {}),
               std::invalid_argument);
  EXPECT_EQ(accumulator_of(DType::kBF16), DType::kF32);
  EXPECT_EQ(accumulator_of(DType::kF64), DType::kF64);
}

// Of two neighbours the nearer, of two equally near the even one.
TEST(Bf16, RoundsToNearestTiesToEven) {
  const float ulp = 0x1p-7F;  // between 1 and 2
  EXPECT_EQ(static_cast<float>(bf16(1 + 0.49F * ulp)), 1.0F);
  EXPECT_EQ(static_cast<float>(bf16(1 + 0.51F * ulp)), 1 + ulp);
  EXPECT_EQ(static_cast<float>(bf16(1 + 0.5F * ulp)), 1.0F);
  EXPECT_EQ(static_cast<float>(bf16(1 + 1.5F * ulp)), 1 + 2 * ulp);
  EXPECT_EQ(static_cast<float>(bf16(-1 - 1.5F * ulp)), -1 - 2 * ulp);
  EXPECT_EQ(static_cast<float>(bf16(2 - 0.4F * ulp)), 2.0F);
}

TEST(Bf16, KeepsNanInfinityAndSmallNumbers) {
  EXPECT_TRUE(std::isnan(static_cast<float>(bf16(std::nanf("")))));
  std::uint32_t low_bits = 0x7F800001U;  // a NaN whose upper half alone is infinity
  float nan;
  std::memcpy(&nan, &low_bits, sizeof nan);
  EXPECT_TRUE(std::isnan(static_cast<float>(bf16(nan))));
  EXPECT_EQ(static_cast<float>(bf16(INFINITY)), INFINITY);
  EXPECT_EQ(static_cast<float>(bf16(std::numeric_limits<float>::max())), INFINITY);
  EXPECT_EQ(static_cast<float>(bf16(0x1p-126F)), 0x1p-126F);
  EXPECT_TRUE(std::signbit(static_cast<float>(bf16(-0.0F))));
}

}  // namespace
}  // namespace muybridge
