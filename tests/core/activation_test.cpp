#include "core/ops/activation.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

TEST(Silu, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return silu(in[0]); }, {random_tensor({7, 3}, 1)});
}

TEST(BiasGelu, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return bias_gelu(in[0], in[1]); },
                   {random_tensor({70, 5}, 1), random_tensor({5}, 2)});
}

TEST(GatedGelu, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return gated_gelu(in[0]); }, {random_tensor({7, 10}, 1)});
}

TEST(GatedGelu, IsTheGeluOfTheFirstHalfTimesTheOther) {
  const Tensor x = random_tensor({3, 8}, 1), zero = Tensor::zeros({4}, DType::kF64);
  const Tensor y = gated_gelu(Var::constant(x)).value();
  ASSERT_EQ(y.shape(), Shape({3, 4}));
  for (std::int64_t row = 0; row < 3; ++row) {
    const Tensor gate = x.flat_view(row * 8, {1, 4}), up = x.flat_view(row * 8 + 4, {1, 4});
    const Tensor opened = bias_gelu(Var::constant(gate), Var::constant(zero)).value();
    for (std::int64_t j = 0; j < 4; ++j)
      EXPECT_DOUBLE_EQ(y.data<double>()[row * 4 + j],
                       opened.data<double>()[j] * up.data<double>()[j]);
  }
  EXPECT_THROW(gated_gelu(Var::constant(random_tensor({3, 5}, 1))), std::invalid_argument);
}

TEST(BiasGelu, MatchesItsDefinitionInF32FarFromZeroToo) {
  std::vector<float> values;
  for (float x = -40; x <= 40; x += 0.37F) values.push_back(x);
  const auto count = static_cast<std::int64_t>(values.size());
  const Tensor x = Tensor::of<float>({count, 1}, values);
  const Tensor y =
      bias_gelu(Var::constant(x), Var::constant(Tensor::of<float>({1}, std::vector<float>{0.25F})))
          .value();
  for (std::int64_t i = 0; i < count; ++i) {
    const double v = static_cast<double>(values[i]) + 0.25;
    const double expected =
        0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
    EXPECT_NEAR(y.data<float>()[i], expected, 2e-6 * (1 + std::abs(expected))) << "at " << v;
  }
}

TEST(BiasGelu, NanAndInfinityAreNotHidden) {
  const std::vector<float> values = {std::nanf(""), INFINITY, -INFINITY};
  const Tensor y =
      bias_gelu(Var::constant(Tensor::of<float>({3, 1}, values)), Var::constant(Tensor::zeros({1})))
          .value();
  EXPECT_TRUE(std::isnan(y.data<float>()[0]));
  EXPECT_EQ(y.data<float>()[1], INFINITY);
  EXPECT_FALSE(std::isfinite(y.data<float>()[2]));
}

}  // namespace
}  // namespace muybridge
