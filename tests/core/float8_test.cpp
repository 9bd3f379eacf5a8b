#include "core/float8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace muybridge {
namespace {

template <class F>
F of_bits(int bits) {
  F value;
  value.bits = static_cast<std::uint8_t>(bits);
  return value;
}

// As the formats are defined: (-1)^s 2^(e - bias) 1.m, without hidden bit where e is 0.
double defined_value(int bits, int mantissa_bits, int bias) {
  const int mantissa = bits & ((1 << mantissa_bits) - 1), exponent = (bits & 0x7F) >> mantissa_bits;
  const double fraction = std::ldexp(mantissa, -mantissa_bits);
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
  return bits & 0x80 ? -magnitude : magnitude;
}

// The finite codes with their numbers, ascending.
template <class F>
std::vector<std::pair<double, int>> positive_codes() {
  std::vector<std::pair<double, int>> codes;
  for (int bits = 0; bits < 0x80; ++bits)
    if (const double value = static_cast<float>(of_bits<F>(bits)); std::isfinite(value))
      codes.emplace_back(value, bits);
  return codes;
}

// By search among all of them, of two equally near the even one.
template <class F>
int nearest_code(const std::vector<std::pair<double, int>>& codes, double magnitude) {
  int best = 0;
  double distance = std::numeric_limits<double>::infinity();
  for (const auto& [value, bits] : codes) {
    const double here = std::abs(value - magnitude);
    if (here < distance || (here == distance && bits % 2 == 0)) {
      distance = here;
      best = bits;
    }
  }
  return best;
}

template <class F>
void expect_rounds_to_nearest() {
  const auto codes = positive_codes<F>();
  std::vector<float> numbers;
  // Around every number, around every middle of two, and every 4,001st float.
  for (std::size_t i = 0; i + 1 < codes.size(); ++i)
    for (const double place : {codes[i].first, (codes[i].first + codes[i + 1].first) / 2}) {
      const auto exact = static_cast<float>(place);
      numbers.insert(numbers.end(),
                     {std::nextafter(exact, 0.0F), exact, std::nextafter(exact, HUGE_VALF)});
    }
  for (std::uint32_t raw = 0; raw < 0x7F800000U; raw += 4001) {
    float number;
    std::memcpy(&number, &raw, sizeof number);
    if (number < 2 * F::largest()) numbers.push_back(number);
  }
  for (const float number : numbers) {
    const int expected = nearest_code<F>(codes, number);
    ASSERT_EQ(F(number).bits, expected) << number;
    ASSERT_EQ(F(-number).bits, expected | 0x80) << number;
  }
}

template <class F>
void expect_ends() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float large :
       {F::largest(), 1.5F * F::largest(), std::numeric_limits<float>::max(), kInfinity}) {
    EXPECT_EQ(static_cast<float>(F(large)), F::largest()) << large;
    EXPECT_EQ(static_cast<float>(F(-large)), -F::largest()) << large;
  }
  EXPECT_TRUE(std::isnan(static_cast<float>(F(std::nanf("")))));
  EXPECT_TRUE(std::isnan(static_cast<float>(F(-std::nanf("")))));
  EXPECT_EQ(F(0.0F).bits, 0);
  EXPECT_EQ(F(-0.0F).bits, 0x80);
}

template <class F>
void expect_codes(int mantissa_bits, int bias, int first_without_number) {
  for (int bits = 0; bits < 256; ++bits) {
    if ((bits & 0x7F) >= first_without_number) continue;
    const auto value = static_cast<float>(of_bits<F>(bits));
    EXPECT_EQ(value, defined_value(bits, mantissa_bits, bias)) << bits;
    EXPECT_EQ(std::signbit(value), bits >= 0x80) << bits;
    EXPECT_EQ(F(value).bits, bits);
    EXPECT_EQ(static_cast<float>(bf16(value)), value) << "bf16 holds it";
  }
}

TEST(Float8, EveryCodeHasTheNumberOfItsFormat) {
  expect_codes<F8E4M3>(3, 7, 0x7F);
  expect_codes<F8E5M2>(2, 15, 0x7C);
  for (const int sign : {0, 0x80}) {
    EXPECT_TRUE(std::isnan(static_cast<float>(of_bits<F8E4M3>(sign | 0x7F))));
    EXPECT_TRUE(std::isinf(static_cast<float>(of_bits<F8E5M2>(sign | 0x7C))));
    for (const int nan : {0x7D, 0x7E, 0x7F})
      EXPECT_TRUE(std::isnan(static_cast<float>(of_bits<F8E5M2>(sign | nan))));
  }
  EXPECT_EQ(F8E4M3::largest(), 448);
  EXPECT_EQ(F8E5M2::largest(), 57344);
}

TEST(Float8, RoundsToTheNearestOfAllCodesTiesToEven) {
  expect_rounds_to_nearest<F8E4M3>();
  expect_rounds_to_nearest<F8E5M2>();
}

TEST(Float8, WhatIsTooLargeIsTheLargestAndNanStays) {
  expect_ends<F8E4M3>();
  expect_ends<F8E5M2>();
}

TEST(Float8, DispatchNamesTheTypeAndRefusesOthers) {
  const auto largest = [](DType dtype) {
    return dispatch_float8(dtype, "the test", []<class F>() { return F::largest(); });
  };
  EXPECT_EQ(largest(DType::kF8E4M3), 448);
  EXPECT_EQ(largest(DType::kF8E5M2), 57344);
  EXPECT_THROW(largest(DType::kBF16), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
