#include "data/corpus/caption_text.h"

#include "core/utf8.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

using CaptionText = MediaFolder;

TEST_F(CaptionText, TrimsAndKeepsTheRest) {
  const Caption caption = clean_caption("\xEF\xBB\xBF  a red\r\nball \n", {});
  EXPECT_EQ(caption.text, "a red\nball");
  EXPECT_EQ(caption.problem, "");
  EXPECT_EQ(caption.note, "");
}

TEST_F(CaptionText, EmptyOnesAreSkippedOrReplaced) {
  EXPECT_EQ(clean_caption(" \n\t", {}).problem, "its caption is empty");
  EXPECT_EQ(missing_caption({}).problem, "it has no caption");
  const Caption given = clean_caption("", {.fallback = "a clip"});
  EXPECT_EQ(given.text, "a clip");
  EXPECT_EQ(given.problem, "");
  EXPECT_NE(given.note, "");
}

TEST_F(CaptionText, WhatIsNotUtf8IsSkippedWithThePlace) {
  EXPECT_EQ(clean_caption("caf\xE9", {}).problem, "its caption is not UTF-8: byte 3");
  EXPECT_NE(clean_caption(std::string("\xFF\xFE"
                                      "a\0",
                                      4),
                          {})
                .problem.find("UTF-16"),
            std::string::npos);
  EXPECT_NE(clean_caption(std::string("a\0b", 3), {}).problem.find("byte 1 is zero"),
            std::string::npos);
}

TEST_F(CaptionText, LongOnesAreCutBetweenLetters) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "\xE2\x82\xAC";  // a letter of three bytes
  for (const std::size_t bytes : {100U, 101U, 102U}) {
    const Caption caption = clean_caption(text, {.max_bytes = bytes});
    EXPECT_EQ(caption.text.size(), bytes / 3 * 3);
    EXPECT_EQ(find_invalid_utf8(caption.text), std::string::npos);
    EXPECT_EQ(caption.note, fmt::format("caption of 120000 bytes cut to {}", bytes / 3 * 3));
  }
}

TEST_F(CaptionText, FilesMayBeTextOrJson) {
  EXPECT_EQ(read_caption_file(write("a.txt", "a ball\n"), {}).text, "a ball");
  EXPECT_EQ(read_caption_file(write("a.json", R"({"caption": "a cube"})"), {}).text, "a cube");
  EXPECT_EQ(read_caption_file(write("b.json", R"({"prompt": ["one", "two"]})"), {}).text, "one");
  EXPECT_EQ(read_caption_file(write("c.json", "\"plain\""), {}).text, "plain");
  EXPECT_EQ(read_caption_file(write("d.json", "{"), {}).problem, "its caption file is not JSON");
  EXPECT_EQ(read_caption_file(write("e.json", R"({"caption": 7})"), {}).problem,
            "its caption is not text");
  EXPECT_EQ(read_caption_file(write("f.json", R"({"other": "x"})"), {}).problem,
            "it has no caption");
  EXPECT_NE(read_caption_file(folder_ / "missing.txt", {}).problem, "");
}

TEST_F(CaptionText, AHugeFileIsNotReadToItsEnd) {
  const auto file = write("a.txt", "word ");
  std::filesystem::resize_file(file, std::uintmax_t{1} << 40);  // a hole of zeros
  EXPECT_NE(read_caption_file(file, {}).problem, "");
}

}  // namespace
}  // namespace muybridge
