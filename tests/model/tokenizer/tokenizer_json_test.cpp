#include <gmock/gmock.h>

#include "core/error.h"
#include "model/tokenizer/piece_model.h"
#include "model/tokenizer/unigram_tokenizer.h"
#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::umt5_golden;

json golden() { return json::parse(read_file(umt5_golden() / "tokenizer" / "tokenizer.json")); }

std::string refusal(const json& file, ExitCode code) {
  try {
    parse_tokenizer_json(file.dump(), "x.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return {};
}

TEST(TokenizerJson, SaysWhatTheModelItWasMadeOfSays) {
  json file = golden();
  file["model"]["byte_fallback"] = true;  // which the library leaves out
  const PieceModel model = parse_tokenizer_json(file.dump(), "golden"),
                   spiece = read_sentencepiece_model(umt5_golden() / "bytes" / "spiece.model");
  EXPECT_EQ(model.characters, spiece.characters);
  ASSERT_EQ(model.pieces.size(), spiece.pieces.size());
  for (std::size_t i = 0; i < spiece.pieces.size(); ++i) {
    EXPECT_EQ(model.pieces[i].text, spiece.pieces[i].text);
    EXPECT_EQ(model.pieces[i].kind, spiece.pieces[i].kind) << spiece.pieces[i].text;
    EXPECT_EQ(model.pieces[i].score, spiece.pieces[i].score);
  }
}

TEST(TokenizerJson, FallsBackToBytesWhereItSaysSo) {
  json file = golden();
  file["model"]["byte_fallback"] = true;
  const UnigramTokenizer tokenizer(parse_tokenizer_json(file.dump(), "golden"), "golden");
  const std::string text =
      "Zebra & 一只红色的猫走 кошка и собака smile 😀👍🏽 end";
  const UnigramTokenizer of_spiece(
      read_sentencepiece_model(umt5_golden() / "bytes" / "spiece.model"), "spiece");
  EXPECT_EQ(tokenizer.encode(text), of_spiece.encode(text));
}

TEST(TokenizerJson, TakesTheFormsThatOlderVersionsWrote) {
  json file = golden();
  const std::string before = refusal(file, ExitCode::kUsage);
  EXPECT_EQ(before, "");
  file["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers",
       {file["normalizer"],
        {{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}},
        {{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "\u2581"}}}}};
  file["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "\u2581"}, {"add_prefix_space", true}};
  EXPECT_EQ(refusal(file, ExitCode::kUsage), "");
}

TEST(TokenizerJson, OfAnotherKindIsRefusedAsSuch) {
  const auto refused = [](const char* pointer, const json& value) {
    json file = golden();
    file[json::json_pointer(pointer)] = value;
    return refusal(file, ExitCode::kUsage);
  };
  EXPECT_THAT(refused("/model/type", "BPE"), HasSubstr("a model of type \"BPE\""));
  EXPECT_THAT(refused("/normalizer", {{"type", "Lowercase"}}), HasSubstr("of type Lowercase"));
  EXPECT_THAT(refused("/pre_tokenizer", {{"type", "ByteLevel"}}), HasSubstr("ByteLevel"));
  EXPECT_THAT(refused("/pre_tokenizer", nullptr), HasSubstr("pre-tokenizer"));
  EXPECT_THAT(refused("/pre_tokenizer", {{"type", "WhitespaceSplit"}}), HasSubstr("Metaspace"));
  EXPECT_THAT(refused("/pre_tokenizer/pretokenizers/1/prepend_scheme", "never"),
              HasSubstr("never"));
  EXPECT_THAT(refused("/added_tokens/0/special", false), HasSubstr("added token '<pad>'"));
  EXPECT_THAT(refused("/added_tokens/0/id", 100000), HasSubstr("added token '<pad>'"));
}

TEST(TokenizerJson, ThatIsDamagedIsRefused) {
  const auto refused = [](const char* pointer, const json& value) {
    json file = golden();
    file[json::json_pointer(pointer)] = value;
    return refusal(file, ExitCode::kCorrupt);
  };
  EXPECT_THAT(refused("/model/vocab", 7), HasSubstr("x.json"));
  EXPECT_THAT(refused("/model/vocab/4", {"only a text"}), HasSubstr("x.json"));
  EXPECT_THAT(refused("/model/unk_id", 1 << 30), HasSubstr("of 380 pieces"));
  EXPECT_THAT(refused("/model/unk_id", -1), HasSubstr("pieces"));
  EXPECT_THAT(refused("/added_tokens/0/id", 3), HasSubstr("token 3 is"));
  EXPECT_THAT(refused("/normalizer/precompiled_charsmap", "AAAA*"), HasSubstr("base64"));
  EXPECT_THAT(refusal(json(), ExitCode::kCorrupt), HasSubstr("no tokenizer.json"));
  try {
    parse_tokenizer_json("{", "x.json");
    FAIL() << "half a file was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kCorrupt);
  }
}

}  // namespace
}  // namespace muybridge
