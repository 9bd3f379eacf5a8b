#include "model/wan_names.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "model/dit.h"

namespace muybridge {
namespace {

Tensor counting(const Shape& shape) {
  Tensor tensor = Tensor::empty(shape);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) tensor.data<float>()[i] = static_cast<float>(i);
  return tensor;
}

std::vector<std::string> names_of(const std::string& name, const Shape& shape) {
  std::vector<std::string> names;
  for (const WanPart& part : wan_parts(name, shape, {1, 2, 2})) names.push_back(part.name);
  return names;
}

// The tensors of the public 1.3B transformer in diffusers' names, from its description: 30 blocks
// of 27 tensors, and 15 around them.
std::map<std::string, Shape> wan_1_3b() {
  constexpr std::int64_t kWidth = 1536, kMlp = 8960, kText = 4096;
  std::map<std::string, Shape> tensors;
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    tensors[name + ".weight"] = {out, in};
    tensors[name + ".bias"] = {out};
  };
  tensors["patch_embedding.weight"] = {kWidth, 16, 1, 2, 2};
  tensors["patch_embedding.bias"] = {kWidth};
  linear("condition_embedder.text_embedder.linear_1", kText, kWidth);
  linear("condition_embedder.text_embedder.linear_2", kWidth, kWidth);
  linear("condition_embedder.time_embedder.linear_1", 256, kWidth);
  linear("condition_embedder.time_embedder.linear_2", kWidth, kWidth);
  linear("condition_embedder.time_proj", kWidth, 6 * kWidth);
  for (int i = 0; i < 30; ++i) {
    const std::string block = fmt::format("blocks.{}.", i);
    tensors[block + "scale_shift_table"] = {1, 6, kWidth};
    for (const char* attention : {"attn1.", "attn2."}) {
      for (const char* projection : {"to_q", "to_k", "to_v", "to_out.0"})
        linear(block + attention + projection, kWidth, kWidth);
      tensors[block + attention + "norm_q.weight"] = {kWidth};
      tensors[block + attention + "norm_k.weight"] = {kWidth};
    }
    tensors[block + "norm2.weight"] = {kWidth};
    tensors[block + "norm2.bias"] = {kWidth};
    linear(block + "ffn.net.0.proj", kWidth, kMlp);
    linear(block + "ffn.net.2", kMlp, kWidth);
  }
  tensors["scale_shift_table"] = {1, 2, kWidth};
  linear("proj_out", kWidth, 64);
  return tensors;
}

TEST(WanNames, OurTransformerOfTheirSizeHasTheirTensors) {
  DitOptions options;
  options.channels = 16;
  options.patch = {1, 2, 2};
  options.width = 1536;
  options.depth = 30;
  options.heads = 12;
  options.mlp_width = 8960;
  options.text_width = 4096;
  options.text_depth = 1;
  options.text_heads = 64;
  Parameters parameters;
  const Dit dit(parameters, options);
  std::map<std::string, Shape> ours;
  std::int64_t elements = 0;
  for (const Parameter& parameter : parameters.list()) {
    if (parameter.spec.name.starts_with("text_encoder.")) continue;
    for (const WanPart& part : wan_parts(parameter.spec.name, parameter.spec.shape, {1, 2, 2})) {
      EXPECT_TRUE(ours.emplace(part.name, part.shape).second) << part.name;
      elements += part.shape.numel();
    }
  }
  const std::map<std::string, Shape> theirs = wan_1_3b();
  for (const auto& [name, shape] : theirs) {
    ASSERT_TRUE(ours.contains(name)) << name;
    EXPECT_EQ(ours[name], shape) << name;
  }
  EXPECT_EQ(ours.size(), theirs.size());
  EXPECT_EQ(elements, 1'418'996'800);
}

TEST(WanNames, FusedProjectionsComeApartByRows) {
  const Shape shape{6, 2};
  const Tensor qkv = counting(shape);
  const auto parts = wan_parts("blocks.3.self_attention.qkv.weight", shape, {1, 2, 2});
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[1].name, "blocks.3.attn1.to_k.weight");
  EXPECT_EQ(take_wan_part(parts[1], qkv, {1, 2, 2}).to_vector<float>(),
            (std::vector<float>{4, 5, 6, 7}));
  EXPECT_EQ(names_of("blocks.3.cross_attention.kv.bias", {8}),
            (std::vector<std::string>{"blocks.3.attn2.to_k.bias", "blocks.3.attn2.to_v.bias"}));
}

// Theirs is a convolution [width, c, pt, ph, pw]; ours multiplies vectors (pt, ph, pw, c).
TEST(WanNames, PatchVectorsArePermuted) {
  const Grid patch{2, 1, 3};
  const std::int64_t channels = 4;
  const Tensor ours = counting({5, 2 * 1 * 3 * channels});
  const WanPart part = wan_parts("patch_embedding.weight", ours.shape(), patch)[0];
  EXPECT_EQ(part.shape, (Shape{5, channels, 2, 1, 3}));
  const Tensor theirs = take_wan_part(part, ours, patch);
  for (std::int64_t d = 0; d < 5; ++d)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t t = 0; t < 2; ++t)
        for (std::int64_t w = 0; w < 3; ++w)
          EXPECT_EQ(theirs.data<float>()[((d * channels + c) * 2 + t) * 3 + w],
                    static_cast<float>(((d * 2 + t) * 3 + w) * channels + c));
}

TEST(WanNames, TakingApartAndPuttingTogetherIsTheIdentity) {
  Parameters parameters;
  const Dit dit(parameters, DitOptions{});
  const Grid patch = DitOptions{}.patch;
  std::set<std::string> seen;
  for (const Parameter& parameter : parameters.list()) {
    for (const DType dtype : {DType::kF32, DType::kBF16}) {
      const Tensor whole = counting(parameter.spec.shape).to(dtype);
      const Tensor again = Tensor::zeros(parameter.spec.shape, dtype);
      for (const WanPart& part : wan_parts(parameter.spec.name, parameter.spec.shape, patch)) {
        put_wan_part(part, take_wan_part(part, whole, patch), patch, again);
        EXPECT_EQ(seen.insert(part.name).second, dtype == DType::kF32) << part.name;
      }
      EXPECT_EQ(std::memcmp(again.raw(), whole.raw(), whole.bytes()), 0) << parameter.spec.name;
    }
  }
}

TEST(WanNames, WhatWanDoesNotHaveKeepsItsName) {
  EXPECT_EQ(names_of("text_encoder.blocks.0.attention.qkv.weight", {6, 2}),
            (std::vector<std::string>{"text_encoder.blocks.0.attention.qkv.weight"}));
}

TEST(WanNames, ImpossibleShapesAreRefused) {
  EXPECT_THROW(names_of("blocks.0.self_attention.qkv.weight", {7, 2}), std::invalid_argument);
  EXPECT_THROW(names_of("patch_embedding.weight", {4, 7}), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
