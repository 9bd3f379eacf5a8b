#include "model/umt5/weights.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "core/error.h"
#include "model/umt5/public_names.h"
#include "model/umt5/umt5_encoder.h"
#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// As Wan's own file has them.
const std::map<std::string, std::string> kWanNames = {
    {"shared.weight", "token_embedding.weight"},
    {"encoder.final_layer_norm.weight", "norm.weight"},
    {"layer.0.layer_norm.weight", "norm1.weight"},
    {"layer.0.SelfAttention.q.weight", "attn.q.weight"},
    {"layer.0.SelfAttention.k.weight", "attn.k.weight"},
    {"layer.0.SelfAttention.v.weight", "attn.v.weight"},
    {"layer.0.SelfAttention.o.weight", "attn.o.weight"},
    {"layer.0.SelfAttention.relative_attention_bias.weight", "pos_embedding.embedding.weight"},
    {"layer.1.layer_norm.weight", "norm2.weight"},
    {"layer.1.DenseReluDense.wi_0.weight", "ffn.gate.0.weight"},
    {"layer.1.DenseReluDense.wi_1.weight", "ffn.fc1.weight"},
    {"layer.1.DenseReluDense.wo.weight", "ffn.fc2.weight"}};

std::string wan_name(const std::string& name) {
  constexpr std::string_view kBlock = "encoder.block.";
  if (!name.starts_with(kBlock)) return kWanNames.at(name);
  const std::size_t dot = name.find('.', kBlock.size());
  return "blocks" + name.substr(kBlock.size() - 1, dot + 2 - kBlock.size()) +
         kWanNames.at(name.substr(dot + 1));
}

class Umt5WeightsTest : public ::testing::Test {
 protected:
  using Tensors = std::map<std::string, Tensor>;

  Umt5WeightsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "umt5-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
    const SafetensorsShards golden(testing::umt5_golden() / "text_encoder");
    for (const std::string& name : golden.names()) golden_[name] = golden.read(name);
  }
  ~Umt5WeightsTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path put(const Tensors& tensors) const {
    std::vector<SafetensorsSpec> specs;
    for (const auto& [name, tensor] : tensors)
      specs.push_back({.name = name, .dtype = tensor.dtype(), .shape = tensor.shape()});
    SafetensorsWriter writer(folder_ / "x.safetensors", specs, {});
    for (const auto& [name, tensor] : tensors) writer.add(name, tensor);
    writer.commit();
    return folder_ / "x.safetensors";
  }

  struct Model {
    Parameters parameters;
    Umt5Encoder encoder{parameters, "",
                        read_umt5_options(testing::umt5_golden() / "text_encoder" / "config.json")};
  };
  // All values, by the names of ours.
  std::map<std::string, std::vector<float>> values(const Tensors& tensors, DType dtype) const {
    const SafetensorsShards files(put(tensors));
    Model model;
    const Umt5Weights weights(files, model.parameters);
    model.parameters.freeze();
    model.parameters.allocate(dtype, 1);
    weights.read();
    std::map<std::string, std::vector<float>> values;
    for (const Parameter& parameter : model.parameters.list())
      values[parameter.spec.name] = parameter.var.value().to(DType::kF32).to_vector<float>();
    return values;
  }
  std::string refusal(const Tensors& tensors) const {
    const SafetensorsShards files(put(tensors));
    const Model model;
    try {
      const Umt5Weights weights(files, model.parameters);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    return {};
  }

  std::filesystem::path folder_;
  Tensors golden_;
};

TEST_F(Umt5WeightsTest, EveryTensorLiesWhereItsNameSays) {
  const auto ours = values(golden_, DType::kF32);
  const auto is = [&](const char* name, const char* theirs, std::size_t first) {
    const std::vector<float> want = golden_.at(theirs).to_vector<float>(), &got = ours.at(name);
    EXPECT_TRUE(
        std::equal(want.begin(), want.end(), got.begin() + static_cast<std::ptrdiff_t>(first)))
        << name << " " << theirs;
  };
  is("embedding.weight", "shared.weight", 0);
  is("norm.weight", "encoder.final_layer_norm.weight", 0);
  is("blocks.1.norm1.weight", "encoder.block.1.layer.0.layer_norm.weight", 0);
  const std::size_t rows = 3 * 5 * 24;
  is("blocks.1.attention.qkv.weight", "encoder.block.1.layer.0.SelfAttention.q.weight", 0);
  is("blocks.1.attention.qkv.weight", "encoder.block.1.layer.0.SelfAttention.k.weight", rows);
  is("blocks.1.attention.qkv.weight", "encoder.block.1.layer.0.SelfAttention.v.weight", 2 * rows);
  is("blocks.0.attention.buckets.weight",
     "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 0);
  is("blocks.0.mlp.gate_up.weight", "encoder.block.0.layer.1.DenseReluDense.wi_0.weight", 0);
  is("blocks.0.mlp.gate_up.weight", "encoder.block.0.layer.1.DenseReluDense.wi_1.weight", 20 * 24);
}

TEST_F(Umt5WeightsTest, WansOwnNamesGiveTheSame) {
  Tensors wan;
  for (const auto& [name, tensor] : golden_) wan[wan_name(name)] = tensor;
  ASSERT_TRUE(wan.contains("blocks.1.ffn.gate.0.weight"));
  ASSERT_EQ(wan.size(), golden_.size());
  EXPECT_EQ(values(wan, DType::kF32), values(golden_, DType::kF32));
}

TEST_F(Umt5WeightsTest, AreRoundedToTheTypeOfTheParameters) {
  auto rounded = values(golden_, DType::kF32);
  for (auto& [name, numbers] : rounded)
    for (float& number : numbers) number = static_cast<float>(bf16(number));
  EXPECT_EQ(values(golden_, DType::kBF16), rounded);
  Tensors narrow;
  for (const auto& [name, tensor] : golden_) narrow[name] = tensor.to(DType::kBF16);
  EXPECT_EQ(values(narrow, DType::kF32), rounded);
}

TEST_F(Umt5WeightsTest, TheEmbeddingMayHaveItsTiedNameOrBoth) {
  Tensors tied = golden_;
  tied["encoder.embed_tokens.weight"] = tied.at("shared.weight");
  EXPECT_EQ(refusal(tied), "");
  tied.erase("shared.weight");
  EXPECT_EQ(values(tied, DType::kF32), values(golden_, DType::kF32));
}

TEST_F(Umt5WeightsTest, AllThatDoesNotFitIsListedInOneError) {
  Tensors wrong = golden_;
  wrong.erase("encoder.block.1.layer.0.SelfAttention.k.weight");
  wrong["encoder.final_layer_norm.weight"] = Tensor::zeros({23});
  wrong["decoder.final_layer_norm.weight"] = Tensor::zeros({24});
  EXPECT_THAT(refusal(wrong),
              AllOf(HasSubstr("3 tensors do not fit"),
                    HasSubstr("missing: encoder.block.1.layer.0.SelfAttention.k.weight"),
                    HasSubstr("encoder.final_layer_norm.weight is [23], [24] expected"),
                    HasSubstr("unexpected: decoder.final_layer_norm.weight")));
  EXPECT_EQ(refusal(golden_), "");
  EXPECT_THAT(refusal({{"x", Tensor::zeros({1})}}), HasSubstr("and 3 more"));
}

TEST(Umt5Parts, RefusesNamesThatAreNone) {
  for (const char* name :
       {"", "blocks.", "blocks.0", "blocks.0.norm3.weight", "norm.bias", "blocks.norm1.weight"})
    EXPECT_THROW(umt5_parts(name, {4, 4}, Umt5Names::kWan), std::invalid_argument) << name;
}

}  // namespace
}  // namespace muybridge
