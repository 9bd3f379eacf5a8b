#include "model/umt5/text_encoder.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"
#include "model/umt5/weights.h"
#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

using ::testing::HasSubstr;
using testing::umt5_golden;

constexpr TextEncoder::Options kF32{.dtype = DType::kF32};

class UmtTextEncoder : public ::testing::Test {
 protected:
  UmtTextEncoder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "encoder-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
    for (const char* part : {"text_encoder", "tokenizer"})
      std::filesystem::copy(umt5_golden() / part, folder_ / part);
  }
  ~UmtTextEncoder() override { std::filesystem::remove_all(folder_); }

  std::string refusal() const {
    try {
      TextEncoder::open(folder_, kF32);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    return {};
  }

  std::filesystem::path folder_;
};

TEST_F(UmtTextEncoder, GivesEachTextTheStatesOfItsTokens) {
  const TextEncoder encoder = TextEncoder::open(umt5_golden(), kF32);
  EXPECT_EQ(encoder.width(), 24);
  const std::vector<std::string> texts = {"a red circle moves", "", "it's (4K, 24 fps)"};
  const std::vector<EncodedText> encoded = encoder.encode(texts);
  ASSERT_EQ(encoded.size(), texts.size());

  Parameters parameters;
  const Umt5Encoder by_hand(parameters, "",
                            read_umt5_options(umt5_golden() / "text_encoder" / "config.json"));
  parameters.freeze();
  parameters.allocate(DType::kF32, 1);
  const SafetensorsShards files(umt5_golden() / "text_encoder");
  Umt5Weights(files, parameters).read();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto ids =
        testing::umt5_texts("transformers").at(texts[i]).get<std::vector<std::int32_t>>();
    const Tensor want = by_hand({Tensor::of<std::int32_t>({std::ssize(ids)}, ids),
                                 Packing::of_lengths({std::ssize(ids)})})
                            .value();
    ASSERT_EQ(encoded[i].states.shape(), want.shape());
    EXPECT_EQ(encoded[i].cut, 0);
    const std::vector<float> got = encoded[i].states.to_vector<float>(),
                             expected = want.to_vector<float>();
    for (std::size_t j = 0; j < got.size(); ++j) ASSERT_NEAR(got[j], expected[j], 1e-4) << texts[i];
  }
}

TEST_F(UmtTextEncoder, CleansPromptsAndTellsWhatItCut) {
  TextEncoder::Options options = kF32;
  options.most_tokens = 4;
  const TextEncoder encoder = TextEncoder::open(folder_, options);
  const std::vector<EncodedText> encoded =
      encoder.encode({"a red circle moves", " a \n red&#32;circle moves "});
  for (const EncodedText& text : encoded) {
    EXPECT_EQ(text.states.shape(), Shape({4, 24}));
    EXPECT_EQ(text.cut, 5);
  }
  EXPECT_TRUE(encoder.encode({}).empty());
}

TEST_F(UmtTextEncoder, ATokenizerOfAnotherModelIsRefused) {
  EXPECT_EQ(refusal(), "");
  const std::filesystem::path config = folder_ / "text_encoder" / "config.json";
  nlohmann::json json = nlohmann::json::parse(read_file(config));
  json["vocab_size"] = 300;
  std::ofstream(config) << json;
  EXPECT_THAT(refusal(), HasSubstr("380 tokens, the model"));
  json["vocab_size"] = 400;
  json["eos_token_id"] = 2;
  std::ofstream(config) << json;
  EXPECT_THAT(refusal(), HasSubstr("texts end with token 1"));
  json["eos_token_id"] = 1;
  json["num_layers"] = 3;
  std::ofstream(config) << json;
  EXPECT_THAT(refusal(), HasSubstr("missing: encoder.block.2"));
}

}  // namespace
}  // namespace muybridge
