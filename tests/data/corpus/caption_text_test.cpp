#include "data/corpus/caption_text.h"

#include "core/text/utf8.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

using CaptionText = MediaFolder;

TEST_F(CaptionText, TrimsAndKeepsTheRest) {
  const Caption caption = clean_caption("\xEF\xBB\xBF  a red\r\nball \n", {});
  EXPECT_EQ(caption.text, "a red\nball");
  EXPECT_TRUE(caption.problem.none());
  EXPECT_TRUE(caption.notes.empty());
}

TEST_F(CaptionText, EmptyOnesAreSkippedOrReplaced) {
  EXPECT_EQ(clean_caption(" \n\t", {}).problem.kind, remark::kEmptyCaption);
  EXPECT_EQ(missing_caption({}).problem.kind, remark::kNoCaption);
  const Caption given = clean_caption("", {.fallback = "a clip"});
  EXPECT_EQ(given.text, "a clip");
  EXPECT_TRUE(given.problem.none());
  EXPECT_EQ(given.notes, (std::vector<Finding>{{remark::kCaptionGiven, ""}}));
}

TEST_F(CaptionText, WhatIsNotUtf8IsSkippedWithThePlace) {
  EXPECT_EQ(clean_caption("caf\xE9", {}).problem, (Finding{remark::kCaptionEncoding, "byte 3"}));
  EXPECT_EQ(clean_caption(std::string("a\0b", 3), {}).problem,
            (Finding{remark::kCaptionNotText, "byte 1 is zero"}));
  // A caption that cannot be read is not a caption that is missing.
  EXPECT_FALSE(clean_caption("caf\xE9", {.fallback = "a clip"}).problem.none());
}

TEST_F(CaptionText, LongOnesAreCutBetweenLetters) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "\xE2\x82\xAC";  // a letter of three bytes
  for (const std::size_t bytes : {100U, 101U, 102U}) {
    const Caption caption = clean_caption(text, {.max_bytes = bytes});
    EXPECT_EQ(caption.text.size(), bytes / 3 * 3);
    EXPECT_EQ(find_invalid_utf8(caption.text), std::string::npos);
    EXPECT_EQ(caption.notes,
              (std::vector<Finding>{
                  {remark::kCaptionCut, fmt::format("120000 bytes to {}", bytes / 3 * 3)}}));
  }
  EXPECT_EQ(clean_caption(text, {.max_bytes = 2}).problem.kind, remark::kEmptyCaption);
}

TEST_F(CaptionText, FilesMayBeTextOrJson) {
  EXPECT_EQ(read_caption_file(write("a.txt", "a ball\n"), {}).text, "a ball");
  EXPECT_EQ(read_caption_file(write("a.json", R"({"caption": "a cube"})"), {}).text, "a cube");
  EXPECT_EQ(read_caption_file(write("A.JSON", R"({"Caption": "a cube"})"), {}).text, "a cube");
  EXPECT_EQ(read_caption_file(write("c.json", "\"plain\""), {}).text, "plain");
  EXPECT_EQ(read_caption_file(write("d.json", "{"), {}).problem,
            (Finding{remark::kCaptionUnreadable, "d.json is not JSON in UTF-8"}));
  EXPECT_EQ(read_caption_file(write("e.json", R"({"caption": 7})"), {}).problem.kind,
            remark::kCaptionNotText);
  EXPECT_EQ(read_caption_file(write("f.json", R"({"other": "x"})"), {}).problem.kind,
            remark::kNoCaption);
  EXPECT_EQ(read_caption_file(folder_ / "missing.txt", {}).problem,
            (Finding{remark::kCaptionUnreadable, "missing.txt: No such file or directory"}));
  EXPECT_EQ(read_caption_file(folder_, {}).problem.kind, remark::kCaptionUnreadable);
}

TEST_F(CaptionText, Utf16WithAMarkIsRead) {
  const std::string little(
      "\xFF\xFE"
      "a\0\xE9\0",
      6);
  const std::string big(
      "\xFE\xFF"
      "\0a\0\xE9",
      6);
  EXPECT_EQ(read_caption_file(write("a.txt", little), {}).text, "a\xC3\xA9");
  EXPECT_EQ(read_caption_file(write("b.txt", big), {}).text, "a\xC3\xA9");
  EXPECT_EQ(read_caption_file(write("c.txt", little.substr(0, 5)), {}).problem.kind,
            remark::kCaptionEncoding);
}

TEST_F(CaptionText, AHugeFileIsNotReadToItsEnd) {
  const auto file = write("a.txt", "word ");
  std::filesystem::resize_file(file, std::uintmax_t{1} << 40);  // a hole of zeros
  EXPECT_EQ(read_caption_file(file, {}).problem.kind, remark::kCaptionNotText);
  write("b.txt", std::string(std::size_t{3} << 20, 'x'));
  EXPECT_EQ(read_caption_file(folder_ / "b.txt", {}).text.size(), 2048U);
}

}  // namespace
}  // namespace muybridge
