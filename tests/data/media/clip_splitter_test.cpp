#include "data/media/clip_splitter.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace muybridge {
namespace {

using Spans = std::vector<ClipSpan>;

Spans split(ClipSplitter& splitter, int frames, const std::vector<int>& cuts) {
  Spans complete;
  for (int i = 0; i < frames; ++i)
    splitter.add(std::find(cuts.begin(), cuts.end(), i) != cuts.end(), complete);
  splitter.end(complete);
  return complete;
}

// The clips of `frames` frames whose scenes begin at 0 and at `cuts`.
Spans split_clips(int frames, const std::vector<int>& cuts, const ClipLengths& lengths) {
  ClipSplitter splitter(lengths);
  return split(splitter, frames, cuts);
}

TEST(ClipSplitter, CutsScenesIntoClipsEndToEnd) {
  EXPECT_EQ(split_clips(40, {}, {.longest = 16, .shortest = 8, .rest = 8}),
            (Spans{{0, 16}, {16, 16}, {32, 8}}));
  EXPECT_EQ(split_clips(39, {}, {.longest = 16, .shortest = 8, .rest = 8}),
            (Spans{{0, 16}, {16, 16}}));
}

TEST(ClipSplitter, NoClipCrossesACut) {
  EXPECT_EQ(split_clips(40, {10, 30}, {.longest = 16, .shortest = 5}),
            (Spans{{0, 10}, {10, 16}, {30, 10}}));
}

TEST(ClipSplitter, LengthsAreMultiplesOfTheStepAboveTheShortest) {
  EXPECT_EQ(split_clips(100, {12}, {.longest = 81, .shortest = 5, .rest = 5, .step = 4}),
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
  EXPECT_TRUE(split_clips(7, {}, {.longest = 16, .shortest = 8, .rest = 8}).empty());
  EXPECT_TRUE(split_clips(0, {}, {}).empty());
}

// Clips come as soon as they can, and what was dropped is known.
TEST(ClipSplitter, ClipsCloseAsTheirLastFrameComes) {
  ClipSplitter splitter({.longest = 4, .shortest = 2, .rest = 3});
  Spans complete;
  for (int i = 0; i < 10; ++i) {
    splitter.add(false, complete);
    EXPECT_EQ(complete.size(), static_cast<std::size_t>((i + 1) / 4)) << i;
    EXPECT_EQ(splitter.first_needed(), (i + 1) / 4 * 4) << i;
  }
  splitter.end(complete);
  EXPECT_EQ(complete, (Spans{{0, 4}, {4, 4}}));
  EXPECT_EQ(splitter.dropped().frames, 2);
  EXPECT_EQ(splitter.dropped().pieces, 1);
}

TEST(ClipSplitter, ARestBehindAWholeClipMustBeLongerThanASceneOfItsOwn) {
  const ClipLengths lengths{.longest = 16, .shortest = 3, .rest = 8};
  EXPECT_EQ(split_clips(20, {}, lengths), (Spans{{0, 16}}));
  EXPECT_EQ(split_clips(24, {}, lengths), (Spans{{0, 16}, {16, 8}}));
  EXPECT_EQ(split_clips(20, {16}, lengths), (Spans{{0, 16}, {16, 4}}));
}

TEST(ClipSplitter, CountsWhatIsInNoClip) {
  const auto dropped = [](int frames, const std::vector<int>& cuts, const ClipLengths& lengths) {
    ClipSplitter splitter(lengths);
    split(splitter, frames, cuts);
    return std::pair(splitter.dropped().frames, splitter.dropped().pieces);
  };
  using Pair = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(dropped(82, {}, {}), (Pair{1, 1}));
  EXPECT_EQ(dropped(82, {3}, {}), (Pair{3, 1}));
  EXPECT_EQ(dropped(16, {}, {.longest = 81, .shortest = 5, .step = 4}), (Pair{3, 1}));
  // Overlapping clips show all; frames between distant ones were not asked for.
  EXPECT_EQ(dropped(18, {}, {.longest = 16, .shortest = 8, .rest = 8, .stride = 4}), (Pair{0, 0}));
  EXPECT_EQ(dropped(40, {}, {.longest = 16, .shortest = 8, .rest = 8, .stride = 32}), (Pair{0, 0}));
  EXPECT_EQ(dropped(36, {}, {.longest = 16, .shortest = 8, .rest = 8, .stride = 32}), (Pair{4, 1}));
  EXPECT_EQ(dropped(100, {}, {.longest = 16, .first_only = true}), (Pair{0, 0}));
}

}  // namespace
}  // namespace muybridge
