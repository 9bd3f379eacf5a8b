#include "core/ops/norm.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

ClipRows two_clips() {
  return {.clip_of = Tensor::of<std::int32_t>({7}, {0, 0, 0, 1, 1, 1, 1}), .offsets = {0, 3, 6}};
}

TEST(NormModulate, GradientMatchesFiniteDifferencesAndSlackGetsNone) {
  const ClipRows clips = two_clips();
  const Tensor used_only = Tensor::zeros({7, 10}, DType::kF64);
  expect_gradients(
      [&](Inputs in) {
        const Var y = norm_modulate(in[0], in[1], 1, 0, clips, 1e-6);
        return Var::op(y.value().rows(0, 6).clone(), {y}, [](Inputs inputs, const Tensor& dy) {
          const Tensor whole = random_tensor({7, 10}, 3);  // whatever lies in slack must not count
          whole.rows(0, 6).copy_from(dy);
          inputs[0].add_grad(whole);
        });
      },
      {random_tensor({7, 10}, 1), random_tensor({2, 3, 10}, 2)});
}

TEST(NormModulate, MatchesItsDefinition) {
  const Tensor x = random_tensor({7, 16}, 1), table = random_tensor({2, 2, 16}, 2);
  const Var y = norm_modulate(Var::constant(x), Var::constant(table), 0, 1, two_clips(), 1e-6);
  for (int row = 0; row < 6; ++row) {
    double mean = 0, variance = 0;
    for (int j = 0; j < 16; ++j) mean += x.data<double>()[row * 16 + j] / 16;
    for (int j = 0; j < 16; ++j)
      variance += std::pow(x.data<double>()[row * 16 + j] - mean, 2) / 16;
    for (int j = 0; j < 16; ++j) {
      const double xhat = (x.data<double>()[row * 16 + j] - mean) / std::sqrt(variance + 1e-6);
      const double* entry = table.data<double>() + (row < 3 ? 0 : 32);
      EXPECT_NEAR(y.value().data<double>()[row * 16 + j], xhat * (1 + entry[16 + j]) + entry[j],
                  1e-12);
    }
  }
}

TEST(LayerNorm, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return layer_norm(in[0], in[1], in[2], 1e-6); },
                   {random_tensor({70, 6}, 1), random_tensor({6}, 2), random_tensor({6}, 3)});
}

TEST(RmsNorm, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return rms_norm(in[0], in[1], 1e-6); },
                   {random_tensor({70, 6}, 1), random_tensor({6}, 2)});
}

TEST(RmsNorm, RejectsAWeightOfAnotherWidth) {
  EXPECT_THROW(
      rms_norm(Var::constant(random_tensor({2, 6}, 1)), Var::constant(random_tensor({5}, 2)), 1e-6),
      std::invalid_argument);
}

// Values and gradients of bf16 operands against those of the same numbers in f64: arithmetic is
// f32, so only what is bf16 in the end is off, by the 2^-8 of a number that 8 bits are.
TEST(NormModulate, Bf16IsOffByOneRounding) {
  const Tensor x = random_tensor({7, 32}, 1, DType::kBF16),
               table = random_tensor({2, 2, 32}, 2, DType::kF32),
               dy = random_tensor({7, 32}, 3, DType::kBF16);
  const auto run = [&](DType dtype) {
    const Var in[] = {Var::leaf(x.to(dtype)), Var::leaf(table.to(accumulator_of(dtype)))};
    const Var y = norm_modulate(in[0], in[1], 0, 1, two_clips(), 1e-6);
    backward(y, dy.to(dtype));
    return std::vector<Tensor>{y.value().rows(0, 6).to(DType::kF64),
                               in[0].grad().rows(0, 6).to(DType::kF64),
                               in[1].grad().to(DType::kF64)};
  };
  const std::vector<Tensor> narrow = run(DType::kBF16), wide = run(DType::kF64);
  for (int n = 0; n < 3; ++n)
    for (std::int64_t i = 0; i < wide[n].numel(); ++i) {
      const double want = wide[n].data<double>()[i];
      EXPECT_NEAR(narrow[n].data<double>()[i], want, 2e-6 + (n < 2 ? 0x1p-8 * std::abs(want) : 0))
          << "tensor " << n << ", element " << i;
    }
}

TEST(NormModulate, SaysBothSidesWhenTheTableDoesNotFit) {
  try {
    norm_modulate(Var::constant(random_tensor({7, 16}, 1)),
                  Var::constant(random_tensor({2, 2, 8}, 2)), 0, 1, two_clips(), 1e-6);
    FAIL() << "a table of another width was taken";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(
        error.what(),
        "norm_modulate: x is [7, 16], the table is f64 [2, 2, 8]; want f64 [clips, n, 16]");
  }
}

}  // namespace
}  // namespace muybridge
