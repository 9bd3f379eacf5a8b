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

// Blocks whose branches send back gradients of their own: the stream's gradient is their sum. It is
// f32 from the second block on, where in bf16 each of the 60 sums would be off by up to 2^-8 of it.
TEST(Residual, TheGradientOfABf16StreamIsNotRoundedBetweenBlocks) {
  constexpr std::int64_t kRows = 6, kWidth = 32;
  constexpr int kBlocks = 30;
  const Var start = Var::leaf(random_tensor({kRows, kWidth}, 1, DType::kBF16));
  const Var table = Var::constant(Tensor::full({2, 1, kWidth}, 0.5));
  std::vector<double> expected(kRows * kWidth, 1.0);
  Var x = start;
  const auto branch = [&](std::uint64_t key) {
    const Tensor gradient = random_tensor({kRows, kWidth}, key, DType::kBF16);
    const Tensor wide = gradient.to(DType::kF64);
    for (std::int64_t i = 0; i < kRows * kWidth; ++i) expected[i] += wide.data<double>()[i];
    return Var::op(x.value().clone(), {x},
                   [gradient](Inputs in, const Tensor&) { in[0].add_grad(gradient); });
  };
  for (int block = 0; block < kBlocks; ++block) {
    x = gate_residual(x, branch(100 + 2 * block), table, 0, two_clips());
    x = add(x, branch(101 + 2 * block));
  }
  backward(x);
  ASSERT_EQ(start.grad().dtype(), DType::kF32);
  for (std::int64_t i = 0; i < kRows * kWidth; ++i)
    ASSERT_NEAR(start.grad().data<float>()[i], expected[i], 60 * 32 * 0x1p-24) << i;
}

// The branch's gradient and the gate's, where the stream's is f32: of both, only dy is rounded.
TEST(GateResidual, TakesAGradientThatIsWiderThanItsValues) {
  const Tensor x = random_tensor({6, 5}, 1), y = random_tensor({6, 5}, 2, DType::kBF16),
               entries = random_tensor({2, 3, 5}, 3, DType::kF32), dout = random_tensor({6, 5}, 4);
  const auto gradients = [&](DType dtype, DType wide) {
    const Var in[] = {Var::leaf(x.to(dtype)), Var::leaf(y.to(dtype)), Var::leaf(entries.to(wide))};
    backward(gate_residual(in[0], in[1], in[2], 2, two_clips()), dout.to(wide));
    return std::pair(in[1].grad().to(DType::kF64), in[2].grad().to(DType::kF64));
  };
  const auto [dy, dtable] = gradients(DType::kBF16, DType::kF32);
  const auto [want_dy, want_dtable] = gradients(DType::kF64, DType::kF64);
  for (int i = 0; i < 30; ++i) {
    EXPECT_NEAR(dtable.data<double>()[i], want_dtable.data<double>()[i], 1e-6) << i;
    EXPECT_NEAR(dy.data<double>()[i], want_dy.data<double>()[i],
                0x1p-8 * std::abs(want_dy.data<double>()[i]) + 1e-6)
        << i;
  }
}

TEST(GateResidual, RejectsAnEntryThatTheTableDoesNotHave) {
  const Var x = Var::constant(random_tensor({6, 5}, 1)),
            table = Var::constant(random_tensor({2, 3, 5}, 3));
  EXPECT_THROW(gate_residual(x, x, table, 3, two_clips()), std::invalid_argument);
  EXPECT_THROW(gate_residual(x, x, table, -1, two_clips()), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
