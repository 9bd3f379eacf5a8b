#include <gmock/gmock.h>

#include "core/error.h"
#include "core/system/file.h"
#include "model/tokenizer/piece_model.h"
#include "model/tokenizer/unigram_tokenizer.h"
#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

using ::testing::HasSubstr;

std::string golden() { return read_file(testing::umt5_golden() / "bytes" / "spiece.model"); }

std::string refusal(const std::string& content, ExitCode code = ExitCode::kCorrupt) {
  try {
    parse_sentencepiece_model(content, "x.model");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return {};
}

// Messages by hand: a field of bytes, and one of a number.
std::string bytes_field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}
std::string number_field(int number, int value) {
  std::string tag{static_cast<char>(number << 3 & 0x7F)};
  if (number >= 16)
    tag = {static_cast<char>((number << 3 & 0x7F) | 0x80), static_cast<char>(number >> 4)};
  return tag + static_cast<char>(value);
}
std::string piece(const std::string& text, int type) {
  return bytes_field(1, bytes_field(1, text) + number_field(3, type));
}
const std::string kSmallest = piece("<unk>", 2) + piece("a", 1);

TEST(SentencePieceModel, IsReadWithItsKindsOfPieces) {
  const PieceModel model = parse_sentencepiece_model(golden(), "golden");
  EXPECT_EQ(model.pieces[0].text, "<pad>");
  EXPECT_EQ(model.pieces[0].kind, Piece::Kind::kControl);
  EXPECT_EQ(model.pieces[1].text, "</s>");
  EXPECT_EQ(model.pieces[2].kind, Piece::Kind::kUnknown);
  EXPECT_EQ(model.pieces[3].text, "<0x00>");
  EXPECT_EQ(model.pieces[3].kind, Piece::Kind::kByte);
  EXPECT_LT(model.pieces.back().score, 0);
  EXPECT_FALSE(model.characters.empty());
}

TEST(SentencePieceModel, ThatIsCutShortAnywhereIsRefusedOrHasFewerPieces) {
  const std::string whole = golden();
  const std::size_t pieces = parse_sentencepiece_model(whole, "golden").pieces.size();
  int refused = 0;
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) try {
      EXPECT_LE(parse_sentencepiece_model(whole.substr(0, bytes), "cut").pieces.size(), pieces);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kCorrupt) << error.what();
      ++refused;
    }
  EXPECT_GT(refused, static_cast<int>(whole.size()) * 9 / 10);
}

// Each either is refused or gives ids of its pieces: nothing is read outside of the file.
TEST(SentencePieceModel, WithAnyByteChangedDoesNoHarm) {
  const std::string whole = golden();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (at % 2 == 0 ? 0xFF : 0x10));
    try {
      const UnigramTokenizer tokenizer(parse_sentencepiece_model(damaged, "damaged"), "damaged");
      for (const std::int32_t id : tokenizer.encode("a caf\u00e9\u2026 \uff11 e\u0301 x\u3000y"))
        ASSERT_TRUE(id >= 0 && id < std::ssize(tokenizer.model().pieces)) << at;
    } catch (const Error&) {
    }
  }
}

TEST(SentencePieceModel, OfAKindThatIsNotOursIsRefusedAsSuch) {
  EXPECT_EQ(refusal(kSmallest + bytes_field(2, number_field(3, 1))), "");
  EXPECT_THAT(refusal(kSmallest + bytes_field(2, number_field(3, 2)), ExitCode::kUsage),
              HasSubstr("only unigram models"));
  EXPECT_THAT(refusal(kSmallest + bytes_field(2, number_field(24, 1)), ExitCode::kUsage),
              HasSubstr("treat_whitespace_as_suffix"));
  EXPECT_THAT(refusal(kSmallest + bytes_field(3, number_field(5, 0)), ExitCode::kUsage),
              HasSubstr("escape_whitespaces"));
}

TEST(SentencePieceModel, ThatContradictsItselfIsRefused) {
  EXPECT_EQ(refusal(kSmallest), "");
  EXPECT_THAT(refusal(""), HasSubstr("0 pieces for what is unknown"));
  EXPECT_THAT(refusal(kSmallest + piece("<b>", 2)), HasSubstr("2 pieces for what is unknown"));
  EXPECT_THAT(refusal(piece("<unk>", 2)), HasSubstr("no piece that a text could have"));
  EXPECT_THAT(refusal(kSmallest + piece("a", 1)), HasSubstr("piece 2 is there twice"));
  EXPECT_THAT(refusal(kSmallest + piece("", 1)), HasSubstr("piece 2 is empty"));
  EXPECT_THAT(refusal(kSmallest + piece("b", 9)), HasSubstr("of type 9"));
  EXPECT_THAT(
      refusal(kSmallest + bytes_field(1, bytes_field(1, "b") + std::string("\x15\0\0\xC0\x7F", 5))),
      HasSubstr("score of piece 2 is no number"));
  EXPECT_THAT(refusal(kSmallest + bytes_field(2, number_field(35, 1))),
              HasSubstr("<0x00> is missing"));
  EXPECT_THAT(refusal("<html>"), HasSubstr("no SentencePiece model"));
}

}  // namespace
}  // namespace muybridge
