#include "core/tape.h"

#include "core/ops/activation.h"
#include "core/ops/residual.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

TEST(Tape, LeavesBecomeReadyOnceEachAfterTheirLastUse) {
  const Var a = Var::leaf(random_tensor({2}, 1), {}, 0),
            b = Var::leaf(random_tensor({2}, 2), {}, 1);
  const Var y = add(silu(add(a, b)), a);
  std::vector<std::int64_t> ready;
  backward(y, {}, {.on_leaf_ready = [&](std::int64_t tag) {
             ready.push_back(tag);
             EXPECT_TRUE((tag == 0 ? a : b).grad().defined());
           }});
  std::sort(ready.begin(), ready.end());
  EXPECT_EQ(ready, (std::vector<std::int64_t>{0, 1}));
}

TEST(Tape, GradientsAddUpInAnAccumulatorOfAnotherType) {
  const Tensor accumulator = Tensor::full({3}, 10.0);
  const Var x = Var::leaf(Tensor::full({3}, 2.0, DType::kBF16), accumulator);
  backward(add(x, x), Tensor::full({3}, 1.5, DType::kBF16));
  for (const float value : accumulator.span<float>()) EXPECT_EQ(value, 13.0F);
}

TEST(Tape, NothingIsRecordedInANoGradScope) {
  const Var x = Var::leaf(random_tensor({2}, 1));
  const NoGradScope no_grad;
  EXPECT_FALSE(silu(x).requires_grad());
}

TEST(Tape, ActivationsAreReleasedAsBackwardPassesThem) {
  const Var x = Var::leaf(random_tensor({1000}, 1));
  Var y = x;
  for (int i = 0; i < 50; ++i) y = silu(y);
  const std::size_t before = pool_statistics(Device::kCpu).in_use_bytes;
  Var last = y;
  y = {};
  backward(last);
  last = {};
  EXPECT_LT(pool_statistics(Device::kCpu).in_use_bytes + 45 * 8000, before);
}

TEST(Tape, AGraphIsWalkedOnce) {
  const Var x = Var::leaf(random_tensor({3}, 1));
  const Var trunk = silu(x);
  const Var first = silu(trunk), second = add(trunk, trunk);
  backward(first);
  EXPECT_THROW(backward(first), std::logic_error);
  EXPECT_THROW(backward(second), std::logic_error);  // the trunk is gone
  const Tensor before = x.grad().clone();
  EXPECT_EQ(x.grad().to_vector<double>(), before.to_vector<double>());
  backward(silu(x));  // a new graph of the same leaf is fine
}

TEST(Tape, AGraphOfAnyLengthCanBeDropped) {
  Var y = Var::leaf(random_tensor({1}, 1));
  for (int i = 0; i < 300000; ++i) y = silu(y);
  y = {};
}

TEST(Tape, AnOutputOfNoLeafIsAnError) {
  EXPECT_THROW(backward(Var::constant(random_tensor({2}, 1))), std::invalid_argument);
}

TEST(Recompute, GivesTheGradientOfWhatItRuns) {
  testing::expect_gradients(
      [](Inputs in) {
        return recompute([weight = in[1]](Inputs inner) { return silu(add(inner[0], weight)); },
                         {in[0]}, {in[1]});
      },
      {random_tensor({4}, 1), random_tensor({4}, 2)});
}

}  // namespace
}  // namespace muybridge
