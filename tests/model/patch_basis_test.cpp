#include "model/patch_basis.h"

#include <gtest/gtest.h>

#include <cmath>

namespace muybridge {
namespace {

double dot(const std::vector<float>& basis, std::int64_t a, std::int64_t b, std::int64_t size) {
  double sum = 0;
  for (std::int64_t i = 0; i < size; ++i)
    sum += static_cast<double>(basis[std::size_t(a * size + i)]) * basis[std::size_t(b * size + i)];
  return sum;
}

TEST(SmoothPatchBasis, RowsStandAtRightAnglesTheSmoothestFirst) {
  constexpr std::int64_t kWidth = 20, kSize = 2 * 4 * 4 * 3;
  const std::vector<float> basis = smooth_patch_basis({2, 4, 4}, 3, kWidth);
  double squares = 0, before = 1e9;
  for (std::int64_t a = 0; a < kWidth; ++a) {
    const double square = dot(basis, a, a, kSize);
    squares += square;
    EXPECT_LE(square, before + 1e-5);
    before = square;
    for (std::int64_t b = 0; b < a; ++b) EXPECT_NEAR(dot(basis, a, b, kSize), 0, 1e-5);
  }
  EXPECT_NEAR(squares / kWidth, 1.0, 1e-5);
  // The first row is the patch's mean.
  for (std::int64_t i = 1; i < kSize; ++i) EXPECT_NEAR(basis[std::size_t(i)], basis[0], 1e-6);
}

TEST(SmoothPatchBasis, HasRowsOfZerosBeyondThePatchSize) {
  const std::vector<float> basis = smooth_patch_basis({1, 2, 2}, 1, 6);
  ASSERT_EQ(basis.size(), 24U);
  for (std::int64_t row = 0; row < 6; ++row) EXPECT_EQ(dot(basis, row, row, 4) > 0, row < 4) << row;
}

TEST(SmoothPatchBasis, TransposesForTheHead) {
  EXPECT_EQ(transposed({1, 2, 3, 4, 5, 6}, 2), (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

}  // namespace
}  // namespace muybridge
