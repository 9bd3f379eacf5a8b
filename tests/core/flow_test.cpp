#include "core/ops/flow.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

TEST(FlowNoise, MixesCleanAndNoiseAndTargetsTheirDifference) {
  const ClipRows clips{.clip_of = Tensor::of<std::int32_t>({6}, {0, 0, 1, 1, 1, 1}),
                       .offsets = {0, 2, 5}};
  const std::vector<RandomStream> streams = {RandomStream(1, Purpose::kNoise, 4, 5),
                                             RandomStream(1, Purpose::kNoise, 4, 9)};
  for (const std::int64_t width : {8, 6}) {
    const Tensor clean = random_tensor({6, width}, 1, DType::kF32),
                 times = Tensor::of<float>({2}, {0.25F, 0.9F});
    const NoisyTokens noisy = add_flow_noise(clean, times, streams, clips);
    for (int row = 0; row < 5; ++row)
      for (std::int64_t j = 0; j < width; ++j) {
        const int clip = row < 2 ? 0 : 1;
        const float t = times.data<float>()[clip], x = clean.data<float>()[row * width + j];
        const float noise = streams[clip].normal((row - clips.offsets[clip]) * width + j);
        EXPECT_NEAR(noisy.tokens.data<float>()[row * width + j], (1 - t) * x + t * noise, 1e-6);
        EXPECT_NEAR(noisy.velocity.data<float>()[row * width + j], noise - x, 1e-6);
      }
  }
}

const ClipRows kTwoClips{.clip_of = Tensor::of<std::int32_t>({4}, {0, 1, 1, 1}),
                         .offsets = {0, 1, 4}};

TEST(VelocityOfClean, IsTheVelocityWhereThePredictionIsRight) {
  const std::vector<RandomStream> streams = {RandomStream(1, Purpose::kNoise, 4, 5),
                                             RandomStream(1, Purpose::kNoise, 4, 9)};
  const Tensor clean = random_tensor({4, 6}, 1), times = Tensor::of<double>({2}, {0.25, 0.9});
  const NoisyTokens noisy = add_flow_noise(clean, times, streams, kTwoClips);
  const Tensor velocity =
      velocity_of_clean(Var::constant(clean), noisy.tokens, times, kTwoClips).value();
  for (int i = 0; i < 24; ++i)
    EXPECT_NEAR(velocity.data<double>()[i], noisy.velocity.data<double>()[i], 1e-12);
}

TEST(VelocityOfClean, GradientMatchesFiniteDifferencesAlsoBelowTheLeastTime) {
  const Tensor noisy = random_tensor({4, 6}, 2), times = Tensor::of<double>({2}, {0.01, 0.9});
  testing::expect_gradients(
      [&](Inputs in) { return velocity_of_clean(in[0], noisy, times, kTwoClips); },
      {random_tensor({4, 6}, 1)});
  const Tensor zero = Tensor::zeros({4, 6}, DType::kF64);
  const Var velocity = velocity_of_clean(Var::constant(zero), noisy, times, kTwoClips);
  EXPECT_NEAR(velocity.value().data<double>()[0], noisy.data<double>()[0] / kLeastTime, 1e-12);
}

TEST(VelocityOfClean, RefusesShapesThatDoNotFit) {
  const Var clean = Var::constant(random_tensor({4, 6}, 1));
  const Tensor times = Tensor::of<double>({2}, {0.5, 0.9});
  EXPECT_THROW(velocity_of_clean(clean, random_tensor({4, 5}, 2), times, kTwoClips),
               std::invalid_argument);
  EXPECT_THROW(
      velocity_of_clean(clean, random_tensor({4, 6}, 2), Tensor::of<double>({1}, {0.5}), kTwoClips),
      std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
