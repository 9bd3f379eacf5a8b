#include "core/lanes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace muybridge {
namespace {

std::vector<float> random_row(std::int64_t n) {
  std::mt19937 generator(static_cast<unsigned>(n));
  std::normal_distribution<float> normal;
  std::vector<float> row(static_cast<std::size_t>(n));
  for (float& value : row) value = normal(generator);
  return row;
}

TEST(Lanes, SumEveryItemOnceAtAnyLength) {
  for (std::int64_t n = 0; n < 100; ++n) {
    std::vector<int> calls(static_cast<std::size_t>(n));
    const double sum = lane_sum<double>(n, [&](std::int64_t i) {
      ++calls[static_cast<std::size_t>(i)];
      return static_cast<double>(i);
    });
    EXPECT_EQ(sum, static_cast<double>(n * (n - 1) / 2)) << n;
    EXPECT_EQ(calls, std::vector<int>(static_cast<std::size_t>(n), 1)) << n;
  }
}

TEST(Lanes, SumFloatsToTheirPrecision) {
  for (const std::int64_t n : {1, 15, 16, 17, 128, 1000}) {
    const std::vector<float> row = random_row(n);
    double exact = 0, size = 0;
    for (const float value : row) exact += value, size += std::abs(value);
    const float sum =
        lane_sum<float>(n, [&](std::int64_t i) { return row[static_cast<std::size_t>(i)]; });
    EXPECT_NEAR(sum, exact, 1e-6 * size) << n;
  }
}

TEST(Lanes, SeveralWalksCollectInOneFold) {
  LaneFold<float, Plus> fold(0.0F);
  fold.add(20, [](std::int64_t) { return 1.0F; });
  fold.add(7, [](std::int64_t) { return 2.0F; });
  EXPECT_EQ(fold.result(), 34.0F);
}

TEST(Lanes, TheLargestIsFoundWhereverItStands) {
  for (const std::int64_t n : {1, 16, 25, 64, 77})
    for (std::int64_t place = 0; place < n; ++place) {
      std::vector<float> row = random_row(n);
      row[static_cast<std::size_t>(place)] = 100.0F;
      LaneFold<float, Greater> fold(-std::numeric_limits<float>::infinity());
      fold.add(n, [&](std::int64_t i) { return row[static_cast<std::size_t>(i)]; });
      EXPECT_EQ(fold.result(), 100.0F) << place << " of " << n;
    }
  LaneFold<float, Greater> nothing(3.0F);
  EXPECT_EQ(nothing.result(), 3.0F);
}

}  // namespace
}  // namespace muybridge
