#include "core/ops/gaussian.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

const RandomStream kNoise(7, Purpose::kTest, 1);

TEST(DrawLatents, AreMeanAndNoiseTimesTheDeviation) {
  // Two latents of two channels: means 1 2 | 3 4, logarithms of variances 0 2 ln 3 | 0 0.
  const double log_of_nine = 2 * std::log(3.0);
  const Tensor moments =
      Tensor::of<double>({2, 4}, std::vector<double>{1, 2, 0, log_of_nine, 3, 4, 0, 0});
  const std::vector<double> z =
      draw_latents(Var::constant(moments), kNoise, 0).latents.value().to_vector<double>();
  const double deviations[] = {1, 3, 1, 1}, means[] = {1, 2, 3, 4};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(z[i], means[i] + deviations[i] * static_cast<double>(kNoise.normal(i)), 1e-12);
  EXPECT_EQ(mean_latents(moments).to_vector<double>(), (std::vector<double>{1, 2, 3, 4}));
}

TEST(DrawLatents, TellHowFarTheyAreFromTheStandardNormal) {
  const Tensor normal = Tensor::zeros({5, 6}, DType::kF64);
  EXPECT_EQ(draw_latents(Var::constant(normal), kNoise, 0).divergence, 0);
  // ln(1 / s) + (s^2 + m^2 - 1) / 2 with s = 3 and m = 2.
  const Tensor other = Tensor::of<double>({1, 2}, std::vector<double>{2, 2 * std::log(3.0)});
  EXPECT_NEAR(draw_latents(Var::constant(other), kNoise, 0).divergence,
              -std::log(3.0) + (9 + 4 - 1) / 2.0, 1e-12);
}

TEST(DrawLatents, GradientsMatchFiniteDifferences) {
  expect_gradients([](Inputs in) { return draw_latents(in[0], kNoise, 0).latents; },
                   {random_tensor({2, 3, 2, 6}, 1)});
}

// Of dy and the weighed divergence together: what backward adds is not seen in the value.
TEST(DrawLatents, BackwardAddsTheGradientOfTheDivergence) {
  const Tensor moments = random_tensor({4, 6}, 1), dy = random_tensor({4, 3}, 2);
  constexpr double kWeight = 0.3, kStep = 1e-6;
  const Var leaf = Var::leaf(moments.clone());
  backward(draw_latents(leaf, kNoise, kWeight).latents, dy);
  const auto value = [&](const Tensor& at) {
    const GaussianLatents drawn = draw_latents(Var::constant(at), kNoise, 0);
    const std::vector<double> z = drawn.latents.value().to_vector<double>();
    double sum = kWeight * drawn.divergence;
    for (std::size_t i = 0; i < z.size(); ++i) sum += z[i] * dy.data<double>()[i];
    return sum;
  };
  for (std::int64_t i = 0; i < moments.numel(); ++i) {
    const Tensor up = moments.clone(), down = moments.clone();
    up.data<double>()[i] += kStep;
    down.data<double>()[i] -= kStep;
    EXPECT_NEAR(leaf.grad().data<double>()[i], (value(up) - value(down)) / (2 * kStep), 1e-7);
  }
}

TEST(DrawLatents, VariancesBeyondAllBoundsStayFiniteAndDoNotLearn) {
  const Var leaf = Var::leaf(Tensor::of<double>({1, 4}, std::vector<double>{0, 0, 1000, -1000}));
  const GaussianLatents drawn = draw_latents(leaf, kNoise, 1);
  EXPECT_TRUE(std::isfinite(drawn.divergence));
  backward(drawn.latents, Tensor::full({1, 2}, 1, DType::kF64));
  EXPECT_EQ(leaf.grad().data<double>()[2], 0);
  EXPECT_EQ(leaf.grad().data<double>()[3], 0);
}

TEST(DrawLatents, WantAsManyMeansAsVariances) {
  EXPECT_THROW(draw_latents(Var::constant(random_tensor({2, 3}, 1)), kNoise, 0),
               std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
