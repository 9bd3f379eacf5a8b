// Against SentencePiece and the tokenizers library: files made by tests/golden/make_umt5.py.
#include "model/tokenizer/unigram_tokenizer.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

using ::testing::ElementsAre;
using testing::umt5_golden;
using testing::umt5_texts;
using Ids = std::vector<std::int32_t>;

UnigramTokenizer of_spiece(const char* folder) {
  const std::filesystem::path path = umt5_golden() / folder / "spiece.model";
  return {read_sentencepiece_model(path), path.string()};
}

TEST(UnigramTokenizer, GivesTheIdsOfSentencePieceWithBytesForWhatIsUnknown) {
  const UnigramTokenizer tokenizer = of_spiece("bytes");
  ASSERT_TRUE(tokenizer.model().byte_fallback);
  const nlohmann::json cases = umt5_texts("bytes");
  for (const auto& [text, ids] : cases.items())
    EXPECT_EQ(tokenizer.encode(text), ids.get<Ids>()) << text;
}

TEST(UnigramTokenizer, GivesTheIdsOfSentencePieceWithPiecesThatUsersDefined) {
  const UnigramTokenizer tokenizer = of_spiece("user_defined");
  ASSERT_FALSE(tokenizer.model().byte_fallback);
  const nlohmann::json cases = umt5_texts("user_defined");
  for (const auto& [text, ids] : cases.items())
    EXPECT_EQ(tokenizer.encode(text), ids.get<Ids>()) << text;
}

TEST(UnigramTokenizer, GivesTheIdsOfTheTokenizersLibraryWhichKeepsWordsApart) {
  const std::filesystem::path path = umt5_golden() / "tokenizer" / "tokenizer.json";
  const UnigramTokenizer tokenizer(read_tokenizer_json(path), path.string());
  const nlohmann::json cases = umt5_texts("transformers");
  for (const auto& [text, ids] : cases.items()) {
    Ids expected = ids.get<Ids>();
    ASSERT_EQ(expected.back(), 1);
    expected.pop_back();
    EXPECT_EQ(tokenizer.encode(text), expected) << text;
  }
}

PieceModel small_model() {
  using Kind = Piece::Kind;
  PieceModel model;
  model.pieces = {{"<unk>", 0, Kind::kUnknown},
                  {"</s>", 0, Kind::kControl},
                  {"\u2581", -3},
                  {"a", -2},
                  {"b", -2.5F},
                  {"ab", -4},
                  {"aab", -9},
                  {"c", -1, Kind::kUnused}};
  return model;
}

TEST(UnigramTokenizer, TakesThePiecesWithTheLargestSum) {
  const UnigramTokenizer tokenizer(small_model(), "small");
  // "ab" at -4 beats "a", "b" at -4.5; "aab" at -9 is worse than "a", "ab".
  EXPECT_THAT(tokenizer.encode("ab"), ElementsAre(2, 5));
  EXPECT_THAT(tokenizer.encode("aab"), ElementsAre(2, 3, 5));
}

// As SentencePiece 0.2.3 and tokenizers 0.23 do with these pieces.
TEST(UnigramTokenizer, OfEqualSumsTheOneWhoseLastPieceIsLongestIsTaken) {
  PieceModel model = small_model();
  model.pieces.push_back({"aa", -4});
  for (const bool words_apart : {false, true}) {
    model.words_apart = words_apart;
    const UnigramTokenizer tokenizer(model, "small");
    EXPECT_THAT(tokenizer.encode("aa"), ElementsAre(2, 8));
    EXPECT_THAT(tokenizer.encode("aaa"), ElementsAre(2, 3, 8));
    EXPECT_THAT(tokenizer.encode("aaaa"), ElementsAre(2, 8, 8));
  }
}

TEST(UnigramTokenizer, WhatIsUnknownIsOnePieceHoweverLong) {
  const UnigramTokenizer tokenizer(small_model(), "small");
  EXPECT_THAT(tokenizer.encode("xyzab"), ElementsAre(2, 0, 5));
  EXPECT_THAT(tokenizer.encode("xy zz"), ElementsAre(2, 0, 2, 0));
  EXPECT_THAT(tokenizer.encode("c"), ElementsAre(2, 0)) << "an unused piece was used";
  EXPECT_THAT(tokenizer.encode("</s>"), ElementsAre(2, 0)) << "a control piece was found";
}

TEST(UnigramTokenizer, ReadsAnyBytesWithoutHarm) {
  for (const char* folder : {"bytes", "user_defined"}) {
    const UnigramTokenizer tokenizer = of_spiece(folder);
    std::uint32_t state = 1;
    for (int text = 0; text < 300; ++text) {
      std::string bytes;
      for (int i = 0; i < text % 40; ++i) {
        state = state * 1664525U + 1013904223U;
        bytes += static_cast<char>(state >> 24);
      }
      for (const std::int32_t id : tokenizer.encode(bytes))
        ASSERT_TRUE(id >= 0 && id < std::ssize(tokenizer.model().pieces));
    }
    // U+FFFD for each.
    EXPECT_EQ(tokenizer.encode("\xFF\xC3"), tokenizer.encode("\uFFFD\uFFFD"));
  }
}

}  // namespace
}  // namespace muybridge
