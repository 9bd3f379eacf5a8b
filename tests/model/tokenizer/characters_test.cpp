#include "model/tokenizer/characters.h"

#include <gmock/gmock.h>

namespace muybridge {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Characters, AreReadAndWrittenAlike) {
  for (const std::uint32_t code :
       {0x1U, 0x7FU, 0x80U, 0x7FFU, 0x800U, 0xFFFFU, 0x10000U, 0x10FFFFU}) {
    std::string text;
    append_utf8(code, text);
    const Character character = first_character(text + "x");
    EXPECT_EQ(character.code, code);
    EXPECT_EQ(character.bytes, text.size());
  }
  for (const char* none :
       {"", "\x80", "\xC3", "\xC3x", "\xED\xA0\x80", "\xC0\x80", "\xF5\x80\x80\x80"})
    EXPECT_EQ(first_character(none).bytes, 0U);
}

TEST(Characters, WordsLieBetweenWhiteSpaceOfAllKinds) {
  EXPECT_THAT(words_of("  a\tbc\u00a0d\u2003\u3000e\u2028"), ElementsAre("a", "bc", "d", "e"));
  EXPECT_THAT(words_of("one"), ElementsAre("one"));
  EXPECT_THAT(words_of("a\u200bb"), ElementsAre("a\u200bb")) << "of no width, and no space";
  EXPECT_THAT(words_of(" \n "), IsEmpty());
  EXPECT_THAT(words_of(""), IsEmpty());
}

}  // namespace
}  // namespace muybridge
