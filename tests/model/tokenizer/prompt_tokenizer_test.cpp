#include "model/tokenizer/prompt_tokenizer.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

using testing::umt5_golden;
using testing::umt5_texts;

TEST(PromptTokenizer, GivesTheIdsOfTransformers) {
  const PromptTokenizer tokenizer = PromptTokenizer::open(umt5_golden() / "tokenizer");
  const nlohmann::json cases = umt5_texts("transformers");
  for (const auto& [text, ids] : cases.items()) {
    const PromptTokens tokens = tokenizer.encode(text, 512);
    EXPECT_EQ(tokens.ids, ids.get<std::vector<std::int32_t>>()) << text;
    EXPECT_EQ(tokens.cut, 0);
  }
}

TEST(PromptTokenizer, CutsTheTextNotItsEndAndSaysHowMuch) {
  const PromptTokenizer tokenizer = PromptTokenizer::open(umt5_golden() / "bytes");
  const PromptTokens all = tokenizer.encode("a red circle moves", 512);
  ASSERT_EQ(all.ids.size(), 9U);
  EXPECT_EQ(tokenizer.encode("a red circle moves", 9).ids, all.ids);
  EXPECT_EQ(tokenizer.encode("a red circle moves", 9).cut, 0);
  const PromptTokens some = tokenizer.encode("a red circle moves", 4);
  EXPECT_EQ(some.cut, 5);
  EXPECT_EQ(some.ids, (std::vector<std::int32_t>{all.ids[0], all.ids[1], all.ids[2], 1}));
  EXPECT_EQ(tokenizer.encode("a red circle moves", 1).ids, std::vector<std::int32_t>{1});
  EXPECT_EQ(tokenizer.encode("", 512).ids, std::vector<std::int32_t>{1});
  EXPECT_THROW(tokenizer.encode("a", 0), std::invalid_argument);
}

TEST(PromptTokenizer, OfAFolderWithoutOneSaysWhatIsMissing) {
  try {
    PromptTokenizer::open(umt5_golden());
    FAIL() << "no tokenizer is there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("neither tokenizer.json nor spiece.model"));
  }
  PieceModel model;
  model.pieces = {{"<unk>", 0, Piece::Kind::kUnknown}, {"a", -1}};
  EXPECT_THROW(PromptTokenizer(model, "x"), Error) << "nothing ends a text";
}

}  // namespace
}  // namespace muybridge
