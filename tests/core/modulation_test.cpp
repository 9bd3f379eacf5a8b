#include "core/ops/modulation.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

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

TEST(ModulationTable, EntriesThatOpsAddToLeaveTheOthersAlone) {
  const Var table = Var::leaf(random_tensor({2, 3, 4}, 1));
  add_to_table(table, Tensor::full({2, 2, 4}, 1.5, DType::kF64), {2, 0});
  add_to_table(table, Tensor::full({2, 1, 4}, 0.25, DType::kF64), {0});
  for (int i = 0; i < 24; ++i) {
    const int entry = i / 4 % 3;
    EXPECT_EQ(table.grad().data<double>()[i], entry == 0 ? 1.75 : entry == 1 ? 0 : 1.5) << i;
  }
}

}  // namespace
}  // namespace muybridge
