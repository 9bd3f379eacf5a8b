#include "data/loader/epoch_order.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/error.h"

namespace muybridge {
namespace {

std::vector<std::int64_t> order_of(std::uint64_t seed, std::uint64_t epoch, std::int64_t count) {
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < count; ++i) order.push_back(shuffled(seed, epoch, i, count));
  return order;
}

TEST(EpochOrder, IsAPermutationOfAnyCount) {
  for (std::int64_t count = 1; count < 140; ++count) {
    std::vector<int> seen(static_cast<std::size_t>(count));
    for (const std::int64_t clip : order_of(5, 2, count)) ++seen.at(static_cast<std::size_t>(clip));
    EXPECT_EQ(seen, std::vector<int>(static_cast<std::size_t>(count), 1)) << count << " clips";
  }
}

TEST(EpochOrder, IsAPermutationOfManyClips) {
  constexpr std::int64_t kCount = 100003;
  std::vector<int> seen(kCount);
  for (const std::int64_t clip : order_of(5, 2, kCount)) ++seen.at(static_cast<std::size_t>(clip));
  EXPECT_EQ(seen, std::vector<int>(kCount, 1));
}

TEST(EpochOrder, DependsOnSeedAndEpochOnly) {
  EXPECT_EQ(order_of(1, 0, 50), order_of(1, 0, 50));
  EXPECT_NE(order_of(1, 0, 50), order_of(1, 1, 50));
  EXPECT_NE(order_of(1, 0, 50), order_of(2, 0, 50));
}

TEST(EpochOrder, LeadsEverywhereAlike) {
  // Of 12 clips in 6000 epochs each stands at each place about 500 times.
  constexpr int kCount = 12;
  constexpr int kEpochs = 6000;
  std::vector<int> hits(kCount * kCount);
  for (int epoch = 0; epoch < kEpochs; ++epoch)
    for (int i = 0; i < kCount; ++i)
      ++hits[static_cast<std::size_t>(i * kCount +
                                      shuffled(9, static_cast<std::uint64_t>(epoch), i, kCount))];
  double chi_square = 0;
  for (const int hit : hits) chi_square += std::pow(hit - 500.0, 2) / 500.0;
  // 121 degrees of freedom: mean 121, standard deviation 15.6.
  EXPECT_GT(chi_square, 121 - 5 * 15.6);
  EXPECT_LT(chi_square, 121 + 5 * 15.6);
}

TEST(EpochOrder, RefusesAPlaceOutsideTheEpoch) {
  EXPECT_THROW(shuffled(0, 0, 5, 5), Error);
  EXPECT_THROW(shuffled(0, 0, -1, 5), Error);
  EXPECT_THROW(shuffled(0, 0, 0, 0), Error);
}

}  // namespace
}  // namespace muybridge
