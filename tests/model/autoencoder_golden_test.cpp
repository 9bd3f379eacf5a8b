// The autoencoder against diffusers' AutoencoderKLWan: a file made by
// tests/golden/make_autoencoder.py.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "model/autoencoder/autoencoder.h"
#include "model/autoencoder/public_names.h"
#include "model/safetensors.h"

namespace muybridge {
namespace {

constexpr int kBlocks = 1;

AutoencoderOptions options() {
  return {.latent_channels = 2,
          .width = 4,
          .multiples = {1, 2, 2, 2},
          .halves_frames = {false, true, true},
          .blocks = kBlocks};
}

class AutoencoderGolden : public ::testing::Test {
 protected:
  AutoencoderGolden()
      : file_(std::string(MUYBRIDGE_SOURCE_DIR) + "/tests/golden/autoencoder.safetensors"),
        autoencoder_(parameters_, options()) {}

  void load(DType dtype) {
    parameters_.allocate(dtype, 1);
    for (const Parameter& parameter : parameters_.list()) {
      const PublicTensor there = tensor_of(parameter);
      from_public_tensor(file_.read("weights." + there.name), there, parameter.var.value());
    }
  }
  static PublicTensor tensor_of(const Parameter& parameter) {
    return public_autoencoder_tensor(parameter.spec.name, parameter.spec.shape, kBlocks);
  }
  Tensor read(const std::string& name, DType dtype) const { return file_.read(name).to(dtype); }

  // |got - expected| over |expected|, both as vectors.
  static void expect_close(const std::string& what, const Tensor& got, const Tensor& expected,
                           double tolerance) {
    ASSERT_EQ(got.shape(), expected.shape()) << what;
    const std::vector<double> a = got.to(DType::kF64).to_vector<double>(),
                              b = expected.to(DType::kF64).to_vector<double>();
    double error = 0, size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      error += (a[i] - b[i]) * (a[i] - b[i]);
      size += b[i] * b[i];
    }
    EXPECT_LT(std::sqrt(error), tolerance * std::sqrt(size)) << what;
  }

  void expect_all(DType dtype, double tolerance) {
    load(dtype);
    const Var pixels = Var::leaf(read("pixels", dtype)),
              latents = Var::leaf(read("latents", dtype));
    FrameMemory encoding, decoding;
    const Var moments = autoencoder_.encode(pixels, encoding),
              drawn = autoencoder_.decode(latents, decoding);
    expect_close("moments", moments.value(), file_.read("moments"), tolerance);
    expect_close("drawn", drawn.value(), file_.read("drawn"), tolerance);
    backward({{moments, read("dmoments", dtype)}, {drawn, read("ddrawn", dtype)}});
    expect_close("dpixels", pixels.grad(), file_.read("dpixels"), tolerance);
    expect_close("dlatents", latents.grad(), file_.read("dlatents"), tolerance);
    for (const Parameter& parameter : parameters_.list()) {
      const PublicTensor there = tensor_of(parameter);
      expect_close(there.name, to_public_tensor(parameter.var.grad(), there),
                   file_.read("gradients." + there.name), tolerance);
    }
  }

  SafetensorsReader file_;
  Parameters parameters_;
  Autoencoder autoencoder_;
};

// The reference enlarges frames in f32 whatever the type.
TEST_F(AutoencoderGolden, MatchesDiffusersInF64) { expect_all(DType::kF64, 1e-6); }

TEST_F(AutoencoderGolden, MatchesDiffusersInF32) { expect_all(DType::kF32, 1e-4); }

TEST_F(AutoencoderGolden, EveryPublicTensorIsAParameterAndBack) {
  load(DType::kF32);
  std::set<std::string> missing;
  for (const SafetensorsEntry& entry : file_.entries())
    if (entry.name.starts_with("weights.")) missing.insert(entry.name);
  for (const Parameter& parameter : parameters_.list()) {
    const PublicTensor there = tensor_of(parameter);
    EXPECT_EQ(missing.erase("weights." + there.name), 1U) << there.name;
    EXPECT_EQ(to_public_tensor(parameter.var.value(), there).to_vector<float>(),
              file_.read("weights." + there.name).to_vector<float>())
        << there.name;
  }
  EXPECT_TRUE(missing.empty()) << *missing.begin();
  for (const char* name : {"encoder", "encoder.levels.x.blocks.0.norm1.weight", "decoder.shrink",
                           "encoder.middle.third.norm1.weight", "encoder.in.gamma"})
    EXPECT_THROW(public_autoencoder_tensor(name, {4}, kBlocks), std::invalid_argument) << name;
}

}  // namespace
}  // namespace muybridge
