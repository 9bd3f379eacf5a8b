#include "model/tokenizer/character_map.h"

#include <gmock/gmock.h>

#include <cstring>

#include "core/error.h"
#include "model/tokenizer/piece_model.h"
#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

using ::testing::HasSubstr;

std::string bytes_of(const std::vector<std::uint32_t>& units, const std::string& texts) {
  const auto size = static_cast<std::uint32_t>(units.size() * 4);
  std::string bytes(4 + size, '\0');
  std::memcpy(bytes.data(), &size, 4);
  std::memcpy(bytes.data() + 4, units.data(), size);
  return bytes + texts;
}

std::string refusal(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kCorrupt);
    return error.what();
  }
  return {};
}

TEST(CharacterMap, TakesTheLongestRuleAndElseTheCharacter) {
  const PieceModel model =
      read_sentencepiece_model(testing::umt5_golden() / "bytes" / "spiece.model");
  const CharacterMap map(model.characters, "golden");
  EXPECT_EQ(map.apply("e\u0301 e \u00e9 \ufb01\u2026"), "\u00e9 e \u00e9 fi...");
  EXPECT_EQ(map.apply("a\u200bb\u00bd\ufdfa"), "ab1\u20442a  b ");
  EXPECT_EQ(map.next("e\u0301x").length, 3U);
  EXPECT_EQ(map.next("\U0001F600").length, 4U);
}

TEST(CharacterMap, WithoutRulesMendsNothingButUtf8) {
  const CharacterMap none;
  EXPECT_EQ(none.apply("a\u00e9\U0001F600"), "a\u00e9\U0001F600");
  EXPECT_EQ(none.apply("\xC3"
                       "a\xFF\xED\xA0\x80"),
            "\uFFFDa\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(CharacterMap, WhosePartsDoNotFitIsRefused) {
  const auto made = [](const std::string& bytes) {
    return refusal([&] { const CharacterMap map(bytes, "x"); });
  };
  EXPECT_EQ(made(bytes_of({0, 0}, std::string("a\0", 2))), "");
  EXPECT_THAT(made("abc"), HasSubstr("damaged"));
  EXPECT_THAT(made(std::string("\xFF\xFF\xFF\x7F"
                               "abcd",
                               8)),
              HasSubstr("damaged"));
  EXPECT_THAT(made(std::string("\x02\0\0\0abcd", 8)), HasSubstr("damaged"));
  EXPECT_THAT(made(bytes_of({}, "a")), HasSubstr("damaged"));
  EXPECT_THAT(made(bytes_of({0}, "")), HasSubstr("no end"));
  EXPECT_THAT(made(bytes_of({0}, "abc")), HasSubstr("no end"));
}

TEST(CharacterMap, ThatLeadsOutsideOfItselfIsRefusedWhereATextWouldFollow) {
  const std::string texts("a\0", 2);
  // The root's units lie at 4096.
  const CharacterMap root(bytes_of({4096U << 10, 0}, texts), "x");
  EXPECT_THAT(refusal([&] { root.next("a"); }), HasSubstr("unit"));
  // Unit 1 ^ 'a' is reached by 'a', ends a key, and its value lies at 0.
  std::vector<std::uint32_t> units(256, 0);
  units[0] = 1U << 10;
  units[1 ^ 'a'] = 'a' | 1U << 8 | static_cast<std::uint32_t>(1 ^ 'a' ^ 7) << 10;
  units[7] = 0x80000000U | 1U;
  const CharacterMap good(bytes_of(units, texts), "x");
  EXPECT_EQ(good.next("a").text, "");
  units[7] = 0x80000000U | 2U;
  const CharacterMap beyond(bytes_of(units, texts), "x");
  EXPECT_THAT(refusal([&] { beyond.next("a"); }), HasSubstr("text 2 of 2 bytes"));
}

}  // namespace
}  // namespace muybridge
