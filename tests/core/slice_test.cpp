#include "core/slice.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <stdexcept>

namespace muybridge {
namespace {

std::vector<std::int64_t> elements_of(const Slice& slice) {
  std::vector<std::int64_t> elements;
  for (std::int64_t i = 0; i < slice.numel(); ++i) elements.push_back(slice.at(i));
  return elements;
}

// By the definition: walk the whole and keep what belongs to the part.
std::vector<std::int64_t> expected(const Shape& whole, const Split& split) {
  std::int64_t inner = 1;
  for (int i = split.axis + 1; i < whole.rank(); ++i) inner *= whole[i];
  const std::int64_t segment = whole[split.axis] / split.segments;
  std::vector<std::int64_t> kept;
  for (std::int64_t i = 0; i < whole.numel(); ++i) {
    const std::int64_t place = i / inner % whole[split.axis] % segment;
    if (place / (segment / split.parts) == split.part) kept.push_back(i);
  }
  return kept;
}

TEST(Slice, SharesOfEveryAxisAreThoseOfTheDefinitionAndMakeTheWhole) {
  const Shape whole{6, 12, 4};
  for (int axis = 0; axis < 3; ++axis)
    for (const int segments : {1, 2, 3})
      for (const int parts : {1, 2, 4}) {
        if (whole[axis] % (segments * parts) != 0) continue;
        std::set<std::int64_t> all;
        for (int part = 0; part < parts; ++part) {
          const Split split{.axis = axis, .segments = segments, .part = part, .parts = parts};
          const std::vector<std::int64_t> mine = elements_of(share_slice(whole, split));
          EXPECT_EQ(mine, expected(whole, split)) << axis << " " << segments << " " << parts;
          EXPECT_EQ(std::ssize(mine), share_shape(whole, split).numel());
          all.insert(mine.begin(), mine.end());
        }
        EXPECT_EQ(std::ssize(all), whole.numel());
      }
}

TEST(Slice, TheRowsOfAFusedProjectionAreOneRunASegment) {
  const Split split{.axis = 0, .segments = 3, .part = 1, .parts = 2};
  EXPECT_EQ(share_shape({12, 5}, split), (Shape{6, 5}));
  EXPECT_EQ(share_slice({12, 5}, split), (Slice{10, 10, 20, 3}));
}

TEST(Slice, AnyPartOfASliceIsAtMostThreeSlices) {
  for (const Slice& slice : {Slice{3, 5, 11, 4}, Slice{0, 7, 7, 1}, Slice{2, 1, 3, 9}}) {
    const std::vector<std::int64_t> all = elements_of(slice);
    for (std::int64_t begin = 0; begin <= slice.numel(); ++begin)
      for (std::int64_t length = 0; begin + length <= slice.numel(); ++length) {
        std::vector<std::int64_t> got;
        const std::vector<Slice> parts = part_of(slice, begin, length);
        EXPECT_LE(parts.size(), 3U);
        for (const Slice& part : parts) {
          EXPECT_GT(part.numel(), 0);
          const std::vector<std::int64_t> more = elements_of(part);
          got.insert(got.end(), more.begin(), more.end());
        }
        EXPECT_EQ(got,
                  std::vector<std::int64_t>(all.begin() + begin, all.begin() + begin + length));
      }
  }
  EXPECT_THROW(part_of({0, 4, 4, 1}, 2, 3), std::invalid_argument);
}

TEST(Slice, WhatDoesNotDivideIsRefused) {
  EXPECT_THROW(share_shape({10, 4}, {.axis = 0, .segments = 3, .part = 0, .parts = 2}),
               std::invalid_argument);
  EXPECT_THROW(share_slice({9, 4}, {.axis = 2, .part = 0, .parts = 2}), std::invalid_argument);
  EXPECT_THROW(share_shape({8, 4}, {.axis = 0, .part = 2, .parts = 2}), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
