#include "core/ops/product/linear.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

TEST(AddBias, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return add_bias(in[0], in[1]); },
                   {random_tensor({5, 7}, 1), random_tensor({7}, 2)});
}

TEST(AddBias, BehindAProductIsTheProductWithABias) {
  const Var x = Var::constant(random_tensor({4, 6}, 1)),
            weight = Var::constant(random_tensor({3, 6}, 2)),
            bias = Var::constant(random_tensor({3}, 3));
  const std::vector<double> whole = linear(x, weight, bias).value().to_vector<double>(),
                            apart = add_bias(linear(x, weight), bias).value().to_vector<double>();
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], apart[i], 1e-14);
}

}  // namespace
}  // namespace muybridge
