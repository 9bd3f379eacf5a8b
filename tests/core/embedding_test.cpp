#include "core/ops/embedding.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

TEST(Embedding, GradientMatchesFiniteDifferencesWithRepeatedIds) {
  const Tensor ids = Tensor::of<std::int32_t>({5}, {3, 0, 3, 3, 1});
  expect_gradients([&](Inputs in) { return embedding(ids, in[0]); }, {random_tensor({4, 6}, 1)});
}

TEST(Embedding, RejectsAnIdOutsideTheTable) {
  const Tensor ids = Tensor::of<std::int32_t>({1}, std::vector<std::int32_t>{4});
  EXPECT_THROW(embedding(ids, Var::constant(random_tensor({4, 6}, 1))), std::invalid_argument);
}

TEST(SinusoidalFeatures, AreCosinesThenSines) {
  const Tensor y = sinusoidal_features(Tensor::of<double>({2}, {0.0, 250.0}), 8, DType::kF64);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(y.data<double>()[i], 1.0);
    EXPECT_EQ(y.data<double>()[4 + i], 0.0);
    const double angle = 250.0 * std::pow(10000.0, -i / 4.0);
    EXPECT_DOUBLE_EQ(y.data<double>()[8 + i], std::cos(angle));
    EXPECT_DOUBLE_EQ(y.data<double>()[12 + i], std::sin(angle));
  }
}

}  // namespace
}  // namespace muybridge
