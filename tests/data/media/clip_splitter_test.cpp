#include "data/media/clip_splitter.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

using Spans = std::vector<ClipSpan>;

TEST(ClipSplitter, CutsScenesIntoClipsEndToEnd) {
  EXPECT_EQ(split_clips(40, {}, {.longest = 16, .shortest = 8}),
            (Spans{{0, 16}, {16, 16}, {32, 8}}));
  EXPECT_EQ(split_clips(39, {}, {.longest = 16, .shortest = 8}), (Spans{{0, 16}, {16, 16}}));
}

TEST(ClipSplitter, NoClipCrossesACut) {
  EXPECT_EQ(split_clips(40, {10, 30}, {.longest = 16, .shortest = 5}),
            (Spans{{0, 10}, {10, 16}, {30, 10}}));
}

TEST(ClipSplitter, LengthsAreMultiplesOfTheStepAboveTheShortest) {
  EXPECT_EQ(split_clips(100, {12}, {.longest = 81, .shortest = 5, .step = 4}),
            (Spans{{0, 9}, {12, 81}, {93, 5}}));
}

TEST(ClipSplitter, StrideLetsClipsOverlapAndAddsNoneThatBringsNothingNew) {
  EXPECT_EQ(split_clips(32, {}, {.longest = 16, .shortest = 16, .stride = 8}),
            (Spans{{0, 16}, {8, 16}, {16, 16}}));
  EXPECT_EQ(split_clips(16, {}, {.longest = 16, .shortest = 4, .stride = 4}), (Spans{{0, 16}}));
  EXPECT_EQ(split_clips(64, {}, {.longest = 16, .shortest = 16, .stride = 32}),
            (Spans{{0, 16}, {32, 16}}));
}

TEST(ClipSplitter, MayTakeOnlyTheFirstClip) {
  EXPECT_EQ(split_clips(100, {}, {.longest = 16, .first_only = true}), (Spans{{0, 16}}));
}

TEST(ClipSplitter, TooShortGivesNone) {
  EXPECT_TRUE(split_clips(7, {}, {.longest = 16, .shortest = 8}).empty());
  EXPECT_TRUE(split_clips(0, {}, {}).empty());
}

TEST(ClipSplitter, UnitsHoldWholeClipsAndFitInMemory) {
  EXPECT_EQ(frames_of_unit(16, 3 * 32 * 32), 1024);
  EXPECT_EQ(frames_of_unit(81, 3 * 32 * 32) % 81, 0);
  EXPECT_EQ(frames_of_unit(81, 3 * 832 * 480), 162);
  EXPECT_EQ(frames_of_unit(16, 3 * 832 * 480), 112);
  EXPECT_EQ(frames_of_unit(5000, 1), 10000);
}

}  // namespace
}  // namespace muybridge
