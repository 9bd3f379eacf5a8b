#include "core/ops/residual.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

ClipRows two_clips() {
  return {.clip_of = Tensor::of<std::int32_t>({6}, {0, 0, 1, 1, 1, 1}), .offsets = {0, 2, 6}};
}

TEST(Add, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return add(in[0], in[1]); },
                   {random_tensor({3, 4}, 1), random_tensor({3, 4}, 2)});
}

TEST(Add, TheSameValueTwiceGetsBothGradients) {
  expect_gradients([](Inputs in) { return add(add(in[0], in[0]), in[0]); },
                   {random_tensor({3, 4}, 1)});
}

TEST(GateResidual, GradientMatchesFiniteDifferences) {
  const ClipRows clips = two_clips();
  expect_gradients(
      [&](Inputs in) { return gate_residual(in[0], in[1], in[2], 2, clips); },
      {random_tensor({6, 5}, 1), random_tensor({6, 5}, 2), random_tensor({2, 3, 5}, 3)});
}

TEST(ModulationTable, GradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return modulation_table(in[0], in[1]); },
                   {random_tensor({4, 15}, 1), random_tensor({3, 5}, 2)});
}

TEST(ModulationTable, OneEntryServesAllAndItsGradientMatchesFiniteDifferences) {
  expect_gradients([](Inputs in) { return modulation_table(in[0], in[1]); },
                   {random_tensor({4, 5}, 1), random_tensor({3, 5}, 2)});
  const Tensor x = random_tensor({2, 5}, 1), shared = random_tensor({3, 5}, 2);
  const Tensor table = modulation_table(Var::constant(x), Var::constant(shared)).value();
  EXPECT_EQ(table.data<double>()[(1 * 3 + 2) * 5 + 4],
            x.data<double>()[1 * 5 + 4] + shared.data<double>()[2 * 5 + 4]);
}

TEST(ModulationTable, RejectsRowsThatFitNeither) {
  EXPECT_THROW(modulation_table(Var::constant(random_tensor({4, 7}, 1)),
                                Var::constant(random_tensor({3, 5}, 2))),
               std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
