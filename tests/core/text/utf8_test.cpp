#include "core/text/utf8.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

TEST(Utf8, WellFormedTextsPass) {
  EXPECT_EQ(find_invalid_utf8(""), kNone);
  EXPECT_EQ(find_invalid_utf8("plain"), kNone);
  EXPECT_EQ(find_invalid_utf8("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8E\xAC \xF4\x8F\xBF\xBF"), kNone);
}

TEST(Utf8, TheFirstWrongByteIsFound) {
  EXPECT_EQ(find_invalid_utf8("ab\xFF"), 2U);
  EXPECT_EQ(find_invalid_utf8("a\x80"), 1U) << "a continuation without a lead";
  EXPECT_EQ(find_invalid_utf8("a\xE2\x82"), 1U) << "cut off";
  EXPECT_EQ(find_invalid_utf8("a\xE2\x28\xA1"), 1U) << "not a continuation";
  EXPECT_EQ(find_invalid_utf8("\xC0\xAF"), 0U) << "overlong";
  EXPECT_EQ(find_invalid_utf8("\xE0\x80\xAF"), 0U) << "overlong";
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0U) << "a surrogate";
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0U) << "beyond U+10FFFF";
}

}  // namespace
}  // namespace muybridge
