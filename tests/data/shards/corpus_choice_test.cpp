#include "data/shards/corpus_choice.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace muybridge {
namespace {

using HoldOut = ChoiceRules::HoldOut;

// A clip of 10 frames at 10 a second.
ClipRecord clip(const std::string& video, double start, const std::string& split = "") {
  ClipRecord record;
  record.source = video + ".mp4";
  record.video_hash = video;
  record.start_seconds = start;
  record.content_hash = fmt::format("{:>22}{:010.1f}", video, start);
  record.split = split;
  record.frames = 10;
  record.height = record.width = 4;
  record.fps = 10;
  return record;
}

std::vector<ShardSummary> shards(const std::vector<std::vector<ClipRecord>>& records) {
  std::vector<ShardSummary> result;
  for (const auto& list : records) result.push_back({.records = list});
  return result;
}

const ClipRecord& record_of(const std::vector<ShardSummary>& all, const ChosenClip& place) {
  return all[static_cast<std::size_t>(place.shard)].records[static_cast<std::size_t>(place.clip)];
}

// "video start" of the clips on a side.
std::vector<std::string> side(const std::vector<ShardSummary>& all, const Choice& choice,
                              bool validation) {
  std::vector<std::string> names;
  for (const ChosenClip& place : choice.clips)
    if (place.validation == validation)
      names.push_back(fmt::format("{} {:g}", record_of(all, place).video_hash,
                                  record_of(all, place).start_seconds));
  return names;
}

using Names = std::vector<std::string>;

TEST(CorpusChoice, OrdersBySourceAndTimeHoweverTheyLie) {
  const auto one = shards({{clip("b", 1), clip("a", 0)}, {clip("b", 0), clip("a", 1)}});
  const auto two = shards({{clip("a", 0), clip("a", 1), clip("b", 0), clip("b", 1)}});
  EXPECT_EQ(side(one, choose_clips(one, {}), false), (Names{"a 0", "a 1", "b 0", "b 1"}));
  EXPECT_EQ(side(two, choose_clips(two, {}), false), (Names{"a 0", "a 1", "b 0", "b 1"}));
}

TEST(CorpusChoice, RetiredAndDoubleClipsAreLeftOutAndCounted) {
  const auto all = shards({{clip("a", 0), clip("b", 0)}, {clip("a", 0), clip("c", 0)}});
  const Choice choice = choose_clips(all, {.retired = {clip("b", 0).source_identity()}});
  EXPECT_EQ(side(all, choice, false), (Names{"a 0", "c 0"}));
  EXPECT_EQ(choice.retired, 1);
  EXPECT_EQ(choice.duplicates, 1);
}

std::vector<ClipRecord> many(int videos, int clips, double stride) {
  std::vector<ClipRecord> records;
  for (int v = 0; v < videos; ++v)
    for (int c = 0; c < clips; ++c) records.push_back(clip(fmt::format("v{:03}", v), c * stride));
  return records;
}

TEST(CorpusChoice, HoldsOutTheShareOfManyVideosWhole) {
  const auto all = shards({many(4000, 2, 1)});
  const Choice choice = choose_clips(all, {.held_out = 0.1});
  EXPECT_EQ(choice.by, HoldOut::kByVideo);
  std::map<std::string, std::set<bool>> sides;
  for (const ChosenClip& place : choice.clips)
    sides[record_of(all, place).video_hash].insert(place.validation);
  int out = 0;
  for (const auto& [video, both] : sides) {
    EXPECT_EQ(both.size(), 1U) << video;
    out += both.contains(true) ? 1 : 0;
  }
  EXPECT_NEAR(out / 4000.0, 0.1, 0.02);
}

TEST(CorpusChoice, OfFewVideosPartsAreHeldOut) {
  const auto all = shards({many(2, 60, 1)});
  const Choice choice = choose_clips(all, {.held_out = 0.3});
  EXPECT_EQ(choice.by, HoldOut::kByPart);
  std::set<std::string> videos;
  for (const ChosenClip& place : choice.clips)
    if (place.validation) videos.insert(record_of(all, place).video_hash);
  EXPECT_EQ(videos.size(), 2U);
}

TEST(CorpusChoice, NoFrameIsOnBothSides) {
  // Clips of a second that begin every half second: each shares frames with the next.
  std::vector<ClipRecord> records;
  for (int v = 0; v < 30; ++v)
    for (int scene = 0; scene < 5; ++scene)
      for (int c = 0; c < 4; ++c)
        records.push_back(clip(fmt::format("v{}", v), 10 * scene + 0.5 * c));
  const auto all = shards({records});
  const Choice choice = choose_clips(all, {.held_out = 0.3});
  ASSERT_EQ(choice.clips.size(), records.size());
  EXPECT_FALSE(side(all, choice, true).empty());
  for (std::size_t i = 1; i < choice.clips.size(); ++i) {
    const ClipRecord& before = record_of(all, choice.clips[i - 1]);
    const ClipRecord& here = record_of(all, choice.clips[i]);
    if (before.source == here.source && here.start_seconds < before.start_seconds + 1) {
      EXPECT_EQ(choice.clips[i].validation, choice.clips[i - 1].validation);
    }
  }
}

// A video under two captions, in train by one list and held out by another.
TEST(CorpusChoice, TrainingClipsThatShowHeldOutFramesAreLeftOut) {
  ClipRecord same = clip("a", 0, "validation");
  same.content_hash.back() = 'x';
  const auto all = shards({{clip("a", 0, "train"), clip("a", 1, "train"), same}});
  const Choice choice = choose_clips(all, {});
  EXPECT_EQ(side(all, choice, false), (Names{"a 1"}));
  EXPECT_EQ(side(all, choice, true), (Names{"a 0"}));
  EXPECT_EQ(choice.shared, 1);
}

TEST(CorpusChoice, TenClipsHaveOneThatIsHeldOut) {
  const ChoiceRules rules{.held_out = 1e-9};
  const auto nine = shards({many(3, 3, 1)});
  EXPECT_TRUE(side(nine, choose_clips(nine, rules), true).empty());
  const auto twelve = shards({many(3, 4, 1)});
  EXPECT_EQ(side(twelve, choose_clips(twelve, rules), true).size(), 1U);
  const auto none = shards({many(3, 4, 1)});
  EXPECT_TRUE(side(none, choose_clips(none, {.held_out = 0}), true).empty());
}

TEST(CorpusChoice, AClipDoesNotChangeSidesWhenTheCorpusGrows) {
  const ChoiceRules rules{.held_out = 0.2};
  const auto small = shards({many(20, 5, 1)});
  const Choice before = choose_clips(small, rules);
  ChoiceRules kept = rules;
  kept.by = before.by;
  const auto large = shards({many(20, 5, 1), many(300, 5, 1)});
  const Choice after = choose_clips(large, kept);
  std::set<std::string> out;
  for (const std::string& name : side(large, after, true)) out.insert(name);
  for (const std::string& name : side(small, before, true)) EXPECT_TRUE(out.contains(name));
  for (const std::string& name : side(small, before, false)) EXPECT_FALSE(out.contains(name));
}

}  // namespace
}  // namespace muybridge
