#include "core/ops/loss.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

TEST(SquaredError, GradientMatchesFiniteDifferencesAndSlackDoesNotCount) {
  const Tensor target = random_tensor({7, 4}, 2);
  const std::vector<std::int32_t> offsets = {0, 2, 5};
  expect_gradients([&](Inputs in) { return squared_error(in[0], target, offsets, 0.3).loss; },
                   {random_tensor({7, 4}, 1)});
}

TEST(SquaredError, TellsEachClipsSum) {
  const Tensor x = random_tensor({150, 8}, 1, DType::kF32),
               target = random_tensor({150, 8}, 2, DType::kF32);
  const std::vector<std::int32_t> offsets = {0, 20, 140};
  const SquaredErrorResult result = squared_error(Var::constant(x), target, offsets, 2.0);
  double total = 0;
  for (int clip = 0; clip < 2; ++clip) {
    double expected = 0;
    for (int i = offsets[clip] * 8; i < offsets[clip + 1] * 8; ++i)
      expected += std::pow(
          static_cast<double>(x.data<float>()[i]) - static_cast<double>(target.data<float>()[i]),
          2);
    EXPECT_NEAR(result.per_clip.data<double>()[clip], expected, 1e-4 * expected);
    total += expected;
  }
  EXPECT_NEAR(result.loss.value().item(), 2 * total, 1e-4 * total);
}

}  // namespace
}  // namespace muybridge
