#include "model/umt5/umt5_options.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json golden() {
  return json::parse(read_file(testing::umt5_golden() / "text_encoder" / "config.json"));
}

std::string refusal(const char* key, const json& value, ExitCode code) {
  json config = golden();
  if (value.is_discarded())
    config.erase(key);
  else
    config[key] = value;
  try {
    parse_umt5_options(config.dump(), "config.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return {};
}

TEST(Umt5Options, AreThoseOfAConfigOfTransformers) {
  const Umt5Options options = parse_umt5_options(golden().dump(), "config.json");
  EXPECT_EQ(options.vocabulary, 400);
  EXPECT_EQ(options.width, 24);
  EXPECT_EQ(options.heads, 3);
  EXPECT_EQ(options.head_width, 5);
  EXPECT_EQ(options.mlp_width, 20);
  EXPECT_EQ(options.depth, 2);
  EXPECT_EQ(options.buckets.count, 32);
  EXPECT_EQ(options.buckets.max_distance, 128);
  EXPECT_EQ(options.eps, 1e-6);
  EXPECT_EQ(options.end_id, 1);
}

TEST(Umt5Options, OfAnotherModelAreRefusedAsSuch) {
  constexpr ExitCode kUsage = ExitCode::kUsage;
  EXPECT_THAT(refusal("model_type", "t5", kUsage), HasSubstr("type 't5', 'umt5' expected; those"));
  EXPECT_THAT(refusal("model_type", "clip", kUsage), HasSubstr("type 'clip'"));
  EXPECT_THAT(refusal("feed_forward_proj", "relu", kUsage), HasSubstr("'relu'"));
  EXPECT_THAT(refusal("dense_act_fn", "silu", kUsage), HasSubstr("'silu'"));
  EXPECT_THAT(refusal("is_decoder", true, kUsage), HasSubstr("a decoder"));
  EXPECT_THAT(refusal("num_heads", 0, kUsage), HasSubstr("positive"));
  EXPECT_THAT(refusal("relative_attention_num_buckets", 7, kUsage), HasSubstr("even count"));
  EXPECT_THAT(refusal("eos_token_id", 400, kUsage), HasSubstr("token 400 of 400"));
}

TEST(Umt5Options, OfADamagedConfigAreRefusedWithTheKey) {
  constexpr ExitCode kCorrupt = ExitCode::kCorrupt;
  EXPECT_THAT(refusal("d_model", json(json::value_t::discarded), kCorrupt),
              HasSubstr("no whole number 'd_model'"));
  EXPECT_THAT(refusal("d_ff", "20", kCorrupt), HasSubstr("no whole number 'd_ff'"));
  EXPECT_THAT(refusal("layer_norm_epsilon", "small", kCorrupt), HasSubstr("'layer_norm_epsilon'"));
  EXPECT_THROW(parse_umt5_options("[]", "x"), Error);
  EXPECT_THROW(parse_umt5_options("{", "x"), Error);
}

}  // namespace
}  // namespace muybridge
