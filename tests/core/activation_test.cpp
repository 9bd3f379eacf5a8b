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
