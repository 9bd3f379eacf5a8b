#include "data/corpus/text_encoding.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

TEST(TextEncoding, TakesTheByteOrderMarkAway) {
  EXPECT_EQ(decode_text("\xEF\xBB\xBFpath").text, "path");
  EXPECT_EQ(decode_text("caf\xE9").text, "caf\xE9");
  EXPECT_EQ(decode_text("").text, "");
}

TEST(TextEncoding, Utf16BecomesUtf8) {
  // One letter for each length in UTF-8: a é € and a clef, which is a pair in UTF-16.
  const std::string expected = "a\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E";
  const std::string big("\xFE\xFF\0a\0\xE9\x20\xAC\xD8\x34\xDD\x1E", 12);
  const std::string little(
      "\xFF\xFE"
      "a\0\xE9\0\xAC\x20\x34\xD8\x1E\xDD",
      12);
  EXPECT_EQ(decode_text(big).text, expected);
  EXPECT_EQ(decode_text(little).text, expected);
}

TEST(TextEncoding, BrokenUtf16HasAPlace) {
  EXPECT_NE(decode_text(std::string("\xFF\xFE"
                                    "a\0b",
                                    5))
                .problem.find("byte 4"),
            std::string::npos);
  EXPECT_NE(decode_text(std::string("\xFE\xFF\xD8\x34\0a", 6)).problem.find("byte 2"),
            std::string::npos);
  EXPECT_NE(decode_text(std::string("\xFE\xFF\xDD\x1E", 4)).problem.find("half a pair"),
            std::string::npos);
}

}  // namespace
}  // namespace muybridge
