#include "core/packing.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace muybridge {
namespace {

TEST(Packing, LaysClipsEndToEnd) {
  const Packing packing = Packing::of({{2, 3, 4}, {1, 1, 1}}, 30);
  EXPECT_EQ(packing.offsets, (std::vector<std::int32_t>{0, 24, 25}));
  EXPECT_EQ(packing.clips(), 2);
  EXPECT_EQ(packing.length(0), 24);
  EXPECT_EQ(packing.used(), 25);
  EXPECT_EQ(packing.rows, 30);
  EXPECT_EQ(Packing::of({{2, 3, 4}}).rows, 24);
  EXPECT_THROW(Packing::of({{2, 3, 4}}, 23), std::invalid_argument);
}

TEST(Packing, MayBeEmpty) {
  const Packing packing = Packing::of({}, 8);
  EXPECT_EQ(packing.clips(), 0);
  EXPECT_EQ(packing.used(), 0);
  EXPECT_EQ(packing.rows, 8);
}

TEST(Packing, TextsOfManyLengthsHaveFewNumbersOfRows) {
  EXPECT_EQ(Packing::of_lengths({3, 4}).rows, 7);
  EXPECT_EQ(Packing::of_lengths({3, 4}, 8).rows, 8);
  EXPECT_EQ(Packing::of_lengths({4, 4}, 8).rows, 8);
  EXPECT_EQ(Packing::of_lengths({4, 5}, 8).rows, 16);
  EXPECT_EQ(Packing::of_lengths({4, 5}, 8).used(), 9);
}

TEST(Packing, RefusesMoreTokensThanOffsetsCanSay) {
  Packing packing;
  EXPECT_THROW(packing.add({1 << 20, 1 << 11, 1}), std::invalid_argument);
  EXPECT_THROW(packing.add({-1, 2, 2}), std::invalid_argument);
  packing.add({1 << 20, 1 << 10, 1});
  EXPECT_THROW(packing.add({1 << 20, 1 << 10, 1}), std::invalid_argument);
  EXPECT_EQ(packing.clips(), 1);
}

}  // namespace
}  // namespace muybridge
