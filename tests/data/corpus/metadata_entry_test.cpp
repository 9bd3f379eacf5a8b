#include "data/corpus/metadata_entry.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace muybridge {
namespace {

using nlohmann::json;

std::vector<ListEntry> entries_of(const char* text) {
  std::vector<ListEntry> entries;
  visit_entry(json::parse(text), "l:1", {}, [&](ListEntry entry) {
    entries.push_back(std::move(entry));
    return true;
  });
  return entries;
}

Caption caption(const char* text, const CaptionRules& rules = {}) {
  return caption_of(json::parse(text), rules);
}

TEST(MetadataEntry, ACaptionIsAStringAListOrAnObject) {
  EXPECT_EQ(caption(R"("one")").text, "one");
  EXPECT_EQ(caption(R"({"Text": "one", "fps": 3})").text, "one");
  EXPECT_EQ(caption(R"({"raw_caption": {"long caption": "one"}})").text, "one");
  EXPECT_EQ(caption(R"({"caption": "", "prompt": "two"})").text, "two");
  const Caption several = caption(R"(["", "one", "two"])");
  EXPECT_EQ(several.text, "one");
  EXPECT_EQ(several.notes, (std::vector<Finding>{{remark::kSeveralCaptions, "of 3"}}));
  EXPECT_TRUE(caption(R"(["one"])").notes.empty());
}

TEST(MetadataEntry, WhatIsNoCaptionSaysWhy) {
  EXPECT_EQ(caption("7").problem.kind, remark::kCaptionNotText);
  EXPECT_EQ(caption("[1, 2]").problem.kind, remark::kCaptionNotText);
  EXPECT_EQ(caption("[]").problem.kind, remark::kEmptyCaption);
  EXPECT_EQ(caption("null").problem.kind, remark::kNoCaption);
  EXPECT_EQ(caption(R"({"caption": null})").problem.kind, remark::kNoCaption);
  EXPECT_EQ(caption(R"({"title": "x"})").problem.kind, remark::kNoCaption);
  EXPECT_EQ(caption("null", {.fallback = "given"}).text, "given");
}

TEST(MetadataEntry, TheVideoIsTakenBeforeOtherPaths) {
  EXPECT_EQ(entries_of(R"({"image": "a.png", "video": "a.mp4", "caption": "x"})")[0].path, "a.mp4");
  EXPECT_EQ(entries_of(R"({"image": "a.png", "video": "", "caption": "x"})")[0].path, "a.png");
  EXPECT_EQ(entries_of(R"({"caption": "x"})")[0].problem.kind, remark::kRowWithoutPath);
  EXPECT_EQ(entries_of(R"({"path": 7})")[0].problem.kind, remark::kRowWithoutPath);
  EXPECT_EQ(entries_of("[1]")[0].problem.kind, remark::kRowUnreadable);
}

TEST(MetadataEntry, CutAndCrop) {
  const ListEntry entry =
      entries_of(R"({"path": "a", "cap": "x", "cut": [10, 60.0], "crop": [100, 900, 0, 700]})")[0];
  EXPECT_EQ(entry.cut_first, 10);
  EXPECT_EQ(entry.cut_end, 60);
  EXPECT_EQ(entry.crop, (CropBox{100, 900, 0, 700}));
  EXPECT_EQ(entries_of(R"({"path": "a", "cut": "[3, 9]"})")[0].cut_end, 9);
  EXPECT_EQ(entries_of(R"({"path": "a", "cut": [60, 60]})")[0].problem.text,
            "\"cut\" holds no frame");
  for (const char* row : {R"({"path": "a", "crop": [0, 1]})", R"({"path": "a", "cut": "x"})",
                          R"({"path": "a", "cut": {"a": 1}})", R"({"path": "a", "cut": [1.5, 2]})",
                          R"({"path": "a", "crop": [0, 0, 0, 9]})"}) {
    EXPECT_EQ(entries_of(row)[0].problem.kind, remark::kRowEmptySpan) << row;
  }
}

TEST(MetadataEntry, EachWindowIsAClip) {
  const auto entries = entries_of(R"({"vision_path": "a.mp4", "t2w_windows": [
      {"start_frame": 0, "end_frame": 92, "temporal_interval": 1, "caption": "first"},
      {"start_frame": 93, "end_frame": 100, "temporal_interval": 2,
       "qwen3_32b_short": "s", "qwen3_32b_dense": "second"},
      {"start_frame": 9, "end_frame": 3, "caption": "x"}, {"start_frame": 0, "end_frame": 1}, 7]})");
  ASSERT_EQ(entries.size(), 5U);
  EXPECT_EQ(entries[0].path, "a.mp4");
  EXPECT_EQ(entries[0].where, "l:1 window 0");
  EXPECT_EQ(entries[0].caption.text, "first");
  EXPECT_EQ(entries[0].cut_first, 0);
  EXPECT_EQ(entries[0].cut_end, 93);
  EXPECT_EQ(entries[1].caption.text, "second");
  EXPECT_EQ(entries[1].cut_end, 101);
  EXPECT_EQ(entries[1].caption.notes.at(0).kind, remark::kFieldIgnored);
  EXPECT_EQ(entries[2].problem.kind, remark::kRowEmptySpan);
  EXPECT_EQ(entries[3].caption.problem.kind, remark::kNoCaption);
  EXPECT_EQ(entries[4].problem.kind, remark::kRowUnreadable);
}

}  // namespace
}  // namespace muybridge
