#include "core/random.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace muybridge {
namespace {

// Known answers of philox4x32-10 from the authors' test vectors (Random123, kat_vectors).
TEST(Philox, GivesThePublishedAnswers) {
  const Philox zero = philox(0, 0, 0);
  EXPECT_EQ(zero.words[0], 0x6627E8D5U);
  EXPECT_EQ(zero.words[1], 0xE169C58DU);
  EXPECT_EQ(zero.words[2], 0xBC57AC4CU);
  EXPECT_EQ(zero.words[3], 0x9B00DBD8U);
  const Philox ones = philox(~0ULL, ~0ULL, ~0ULL);
  EXPECT_EQ(ones.words[0], 0x408F276DU);
  EXPECT_EQ(ones.words[1], 0x41C83B0EU);
  EXPECT_EQ(ones.words[2], 0xA20BC7C6U);
  EXPECT_EQ(ones.words[3], 0x6D5451FDU);
}

TEST(RandomStream, NormalsHaveTheMomentsOfANormal) {
  const int count = 400000;
  std::vector<float> values(count);
  fill_normal(RandomStream(3, Purpose::kTest), values.data(), count);
  double mean = 0, variance = 0, fourth = 0, neighbours = 0;
  for (int i = 0; i < count; ++i) {
    const double v = values[i];
    mean += v / count;
    variance += v * v / count;
    fourth += v * v * v * v / count;
    if (i > 0) neighbours += v * values[i - 1] / count;
  }
  EXPECT_NEAR(mean, 0, 0.007);
  EXPECT_NEAR(variance, 1, 0.01);
  EXPECT_NEAR(fourth, 3, 0.06);
  EXPECT_NEAR(neighbours, 0, 0.007);
}

TEST(RandomStream, ElementsAreAddressedAlikeOneByOneAndInBulk) {
  const RandomStream stream(7, Purpose::kNoise, 3, 9);
  std::vector<float> values(1001);
  fill_normal(stream, values.data(), 1001);
  for (int i = 0; i < 1001; ++i) EXPECT_EQ(values[i], stream.normal(i));
}

TEST(RandomStream, EveryPartOfTheKeyChangesTheNumbers) {
  std::set<std::uint32_t> first;
  for (const std::uint64_t seed : {0, 1})
    for (const Purpose purpose : {Purpose::kInit, Purpose::kNoise})
      for (const std::uint64_t a : {0, 1})
        for (const std::uint64_t b : {0, 1})
          first.insert(RandomStream(seed, purpose, a, b).bits(0));
  EXPECT_EQ(first.size(), 16U);
}

TEST(RandomStream, IntegersCoverTheirRangeEvenly) {
  const RandomStream stream(1, Purpose::kTest);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[stream.integer(i, -3, 3) + 3];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace muybridge
