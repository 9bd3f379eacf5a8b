#include "core/math.h"

#include <gtest/gtest.h>

#include <limits>

namespace muybridge {
namespace {

TEST(Exp, IsWithinTwoUnitsOfTheLastPlace) {
  for (double x = -87; x < 88.7; x += 0.00917) {
    const auto argument = static_cast<float>(x);
    const double expected = std::exp(static_cast<double>(argument));
    EXPECT_NEAR(math::exp(argument) / expected, 1.0, 2.5e-7) << "at " << x;
  }
}

TEST(Exp, KeepsNanAndSaturates) {
  EXPECT_TRUE(std::isnan(math::exp(std::nanf(""))));
  EXPECT_LT(math::exp(-1000.0F), 1.3e-38F);
  EXPECT_GT(math::exp(1000.0F), 3e38F);
}

TEST(Log, IsWithinAFewUnitsOfTheLastPlace) {
  for (double x = 1e-7; x < 1e7; x *= 1.00173) {
    const auto argument = static_cast<float>(x);
    const double expected = std::log(static_cast<double>(argument));
    EXPECT_NEAR(math::log(argument), expected, 3e-7 * (0.3 + std::abs(expected))) << "at " << x;
  }
}

TEST(CosSinTurns, MatchesTheLibraryOverAWholeTurn) {
  for (int i = 0; i < 100000; ++i) {
    const float turns = static_cast<float>(i) * 1e-5F;
    float cosine, sine;
    math::cos_sin_turns(turns, cosine, sine);
    const double angle = 6.283185307179586 * static_cast<double>(turns);
    ASSERT_NEAR(cosine, std::cos(angle), 5e-7) << "at " << turns;
    ASSERT_NEAR(sine, std::sin(angle), 5e-7) << "at " << turns;
  }
}

}  // namespace
}  // namespace muybridge
