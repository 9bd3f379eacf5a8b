#include "model/autoencoder/autoencoder.h"

#include "core/ops/frames.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

AutoencoderOptions small_options() {
  return {.latent_channels = 2,
          .width = 4,
          .multiples = {1, 2, 2},
          .halves_frames = {true, true},
          .blocks = 1};
}

struct Model {
  Parameters parameters;
  Autoencoder autoencoder;
  explicit Model(const AutoencoderOptions& options = small_options())
      : autoencoder(parameters, options) {
    parameters.allocate(DType::kF64, 3);
  }
  Var encode(const Var& pixels) const {
    FrameMemory memory;
    return autoencoder.encode(pixels, memory);
  }
  Var decode(const Var& latents) const {
    FrameMemory memory;
    return autoencoder.decode(latents, memory);
  }
};

// x in chunks of so many frames.
template <class Step>
Var in_chunks(const Var& x, std::initializer_list<std::int64_t> frames, const Step& step) {
  FrameMemory memory;
  std::vector<Var> parts;
  std::int64_t begin = 0;
  for (const std::int64_t count : frames) {
    parts.push_back(step(some_frames(x, begin, count), memory));
    begin += count;
  }
  EXPECT_EQ(begin, x.shape()[0]);
  return join_frames(parts);
}

void expect_equal(const Tensor& got, const Tensor& want, double tolerance = 1e-12) {
  ASSERT_EQ(to_string(got.shape()), to_string(want.shape()));
  for (std::int64_t i = 0; i < want.numel(); ++i)
    ASSERT_NEAR(got.data<double>()[i], want.data<double>()[i], tolerance) << "element " << i;
}

TEST(Autoencoder, HasTheSizesOfWan) {
  const AutoencoderOptions options;
  EXPECT_EQ(options.side_factor(), 8);
  EXPECT_EQ(options.frame_factor(), 4);
  Parameters parameters;
  const Autoencoder wan(parameters, options);
  EXPECT_EQ(parameters.count(), 126'892'531);
}

TEST(Autoencoder, MakesALatentOfAFrameAndOfEveryFourBehindIt) {
  const Model model;
  const NoGradScope no_grad;
  const Var z = model.encode(Var::constant(random_tensor({9, 8, 12, 3}, 1)));
  EXPECT_EQ(z.shape(), Shape({3, 2, 3, 4}));
  EXPECT_EQ(model.decode(Var::constant(random_tensor({3, 2, 3, 2}, 2))).shape(),
            Shape({9, 8, 12, 3}));
  EXPECT_EQ(model.encode(Var::constant(random_tensor({1, 8, 12, 3}, 1))).shape(),
            Shape({1, 2, 3, 4}));
}

TEST(Autoencoder, AClipInChunksIsTheClip) {
  const Model model;
  const NoGradScope no_grad;
  const Var pixels = Var::constant(random_tensor({17, 8, 8, 3}, 1)),
            latents = Var::constant(random_tensor({5, 2, 2, 2}, 2));
  const auto encode = [&](const Var& x, FrameMemory& memory) {
    return model.autoencoder.encode(x, memory);
  };
  const auto decode = [&](const Var& x, FrameMemory& memory) {
    return model.autoencoder.decode(x, memory);
  };
  const Tensor whole = model.encode(pixels).value(), drawn = model.decode(latents).value();
  expect_equal(in_chunks(pixels, {1, 4, 4, 4, 4}, encode).value(), whole);
  expect_equal(in_chunks(pixels, {5, 8, 4}, encode).value(), whole);
  expect_equal(in_chunks(latents, {1, 1, 1, 1, 1}, decode).value(), drawn);
  expect_equal(in_chunks(latents, {2, 3}, decode).value(), drawn);
}

TEST(Autoencoder, GradientsOfAClipInChunksAreThoseOfTheClip) {
  const Model model;
  const Tensor pixels = random_tensor({9, 8, 8, 3}, 1), dy = random_tensor({3, 2, 2, 4}, 2);
  const Var whole = Var::leaf(pixels.clone()), parts = Var::leaf(pixels.clone());
  backward(model.encode(whole), dy);
  const Tensor of_whole = model.parameters.gradients().clone();
  model.parameters.zero_gradients();
  backward(in_chunks(parts, {1, 4, 4},
                     [&](const Var& x, FrameMemory& memory) {
                       return model.autoencoder.encode(x, memory);
                     }),
           dy);
  expect_equal(parts.grad(), whole.grad());
  expect_equal(model.parameters.gradients(), of_whole, 1e-10);
}

TEST(Autoencoder, WhatAFrameBecomesDependsOnNoLaterOne) {
  const Model model;
  const NoGradScope no_grad;
  const Tensor pixels = random_tensor({9, 8, 8, 3}, 1), changed = pixels.clone();
  changed.rows(5, 4).fill_zero();
  const Tensor before = model.encode(Var::constant(pixels)).value(),
               after = model.encode(Var::constant(changed)).value();
  expect_equal(after.rows(0, 2), before.rows(0, 2), 0);
  EXPECT_NE(after.rows(2, 1).to_vector<double>(), before.rows(2, 1).to_vector<double>());
}

TEST(Autoencoder, GradientsMatchFiniteDifferences) {
  AutoencoderOptions tiny = small_options();
  tiny.width = 2;
  tiny.multiples = {1, 2};
  tiny.halves_frames = {true};
  const Model model(tiny);
  testing::expect_gradients([&](Inputs in) { return model.encode(in[0]); },
                            {random_tensor({3, 4, 2, 3}, 1)}, 1e-5);
  testing::expect_gradients([&](Inputs in) { return model.decode(in[0]); },
                            {random_tensor({2, 2, 1, 2}, 2)}, 1e-5);
}

// Along random directions, each parameter by itself.
TEST(Autoencoder, GradientsOfParametersMatchFiniteDifferences) {
  const Model model;
  const Var pixels = Var::constant(random_tensor({5, 4, 4, 3}, 1)),
            latents = Var::constant(random_tensor({2, 1, 1, 2}, 2));
  const Tensor of_encoder = random_tensor({2, 1, 1, 4}, 3),
               of_decoder = random_tensor({5, 4, 4, 3}, 4);
  backward(
      std::vector<Root>{{model.encode(pixels), of_encoder}, {model.decode(latents), of_decoder}});
  const auto loss = [&] {
    const NoGradScope no_grad;
    const Tensor z = model.encode(pixels).value(), x = model.decode(latents).value();
    double sum = 0;
    for (std::int64_t i = 0; i < z.numel(); ++i)
      sum += z.data<double>()[i] * of_encoder.data<double>()[i];
    for (std::int64_t i = 0; i < x.numel(); ++i)
      sum += x.data<double>()[i] * of_decoder.data<double>()[i];
    return sum;
  };
  std::uint64_t key = 10;
  for (const Parameter& parameter : model.parameters.list()) {
    constexpr double kStep = 1e-6;
    const Tensor direction = random_tensor(parameter.shape, ++key), value = parameter.var.value();
    const auto move = [&](double by) {
      for (std::int64_t i = 0; i < value.numel(); ++i)
        value.data<double>()[i] += by * direction.data<double>()[i];
    };
    move(kStep);
    const double above = loss();
    move(-2 * kStep);
    const double below = loss();
    move(kStep);
    double along = 0;
    for (std::int64_t i = 0; i < value.numel(); ++i)
      along += parameter.var.grad().data<double>()[i] * direction.data<double>()[i];
    const double expected = (above - below) / (2 * kStep);
    EXPECT_NEAR(along, expected, 2e-5 * (1 + std::abs(expected))) << parameter.spec.name;
    EXPECT_NE(along, 0) << parameter.spec.name;
  }
}

TEST(Autoencoder, RefusesSizesThatItCannotHalve) {
  const Model model;
  const auto encode = [&](const Shape& shape) {
    return model.encode(Var::constant(random_tensor(shape, 1)));
  };
  EXPECT_THROW(encode({5, 8, 10, 3}), std::invalid_argument) << "10 is no multiple of 4";
  EXPECT_THROW(encode({4, 8, 8, 3}), std::invalid_argument) << "no first frame and pairs";
  EXPECT_THROW(encode({7, 8, 8, 3}), std::invalid_argument);
  EXPECT_THROW(encode({5, 8, 8, 4}), std::invalid_argument);
  EXPECT_THROW(model.decode(Var::constant(random_tensor({1, 2, 2, 3}, 1))), std::invalid_argument);
  AutoencoderOptions wrong = small_options();
  wrong.halves_frames = {true};
  EXPECT_THROW(require_valid(wrong), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
