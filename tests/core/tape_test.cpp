#include "core/tape.h"

#include "core/ops/accumulate.h"
#include "core/ops/activation.h"
#include "core/ops/product/linear.h"
#include "core/ops/residual.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

// An op's input is kept for its backward only where that reads it.
TEST(Tape, LetsGoOfValuesThatNoBackwardReads) {
  const auto in_use = [] { return pool_statistics(Device::kCpu).in_use_bytes; };
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  const auto next = [](const Var& x, bool reads) {
    return Var::op(Tensor::zeros(x.shape()), {reads ? x : x.without_value()},
                   [](Inputs in, const Tensor& dy) { in[0].add_grad(dy); });
  };
  for (const bool reads : {true, false}) {
    const Var leaf = Var::leaf(Tensor::zeros({static_cast<std::int64_t>(kBytes / 4)}));
    Var x = leaf;
    const std::size_t before = in_use();
    for (int i = 0; i < 8; ++i) x = next(x, reads);
    EXPECT_EQ((in_use() - before) / kBytes, reads ? 8U : 1U);
    backward(x);
    EXPECT_EQ(leaf.grad().to_vector<float>(), std::vector<float>(kBytes / 4, 1.0F));
  }
}

TEST(Tape, AValueThatWasNotKeptIsNoValue) {
  const Var x = Var::leaf(Tensor::zeros({2}));
  const Var y = Var::op(Tensor::zeros({3}), {x}, [](Inputs, const Tensor&) {}).without_value();
  EXPECT_EQ(y.shape(), Shape({3}));
  EXPECT_THROW(y.value(), std::logic_error);
  EXPECT_EQ(x.without_value().value().shape(), Shape({2}));  // a leaf's owner has it
  EXPECT_FALSE(Var::constant(Tensor::zeros({2})).without_value().defined());
}

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

// An op that sends back a gradient of its own, whatever it gets.
Var sender(const Var& x, const Tensor& gradient) {
  return Var::op(x.value().clone(), {x},
                 [gradient](Inputs in, const Tensor&) { in[0].add_grad(gradient); });
}

constexpr int kBlocks = 30;
constexpr std::int64_t kElements = 256;

Tensor gradient_of_block(int block) {
  return random_tensor({kElements}, 100 + static_cast<std::uint64_t>(block), DType::kBF16);
}

// Of what all blocks send, with `first` in it, in f64.
std::vector<double> sum_of_blocks(double first) {
  std::vector<double> sum(kElements, first);
  for (int block = 0; block < kBlocks; ++block) {
    const Tensor gradient = gradient_of_block(block).to(DType::kF64);
    for (std::int64_t i = 0; i < kElements; ++i) sum[i] += gradient.data<double>()[i];
  }
  return sum;
}

// 30 additions in f32, each off by 2^-24 of a sum below 32. In bf16 they would be off by up to 2^-8
// of it, each.
constexpr double kF32Sum = 30 * 32 * 0x1p-24;

void expect_sum(const Tensor& gradient, const std::vector<double>& expected) {
  ASSERT_EQ(gradient.dtype(), DType::kF32);
  for (std::int64_t i = 0; i < kElements; ++i)
    ASSERT_NEAR(gradient.data<float>()[i], expected[i], kF32Sum) << i;
}

TEST(Tape, WhatThirtyOpsSendToABf16ValueIsAddedUpInF32) {
  const Var x = Var::leaf(random_tensor({kElements}, 1, DType::kBF16));
  Var y = Var::constant(random_tensor({kElements}, 2, DType::kBF16));
  for (int block = 0; block < kBlocks; ++block) y = add(y, sender(x, gradient_of_block(block)));
  backward(y);
  expect_sum(x.grad(), sum_of_blocks(0));
}

TEST(Tape, AnOpGetsSuchASumRoundedOnceToItsValuesType) {
  const Var x = Var::leaf(random_tensor({kElements}, 1, DType::kBF16));
  Tensor got;
  const Var shared =
      Var::op(x.value().clone(), {x}, [&got](Inputs, const Tensor& dy) { got = dy; });
  Var y = Var::constant(random_tensor({kElements}, 2, DType::kBF16));
  for (int block = 0; block < kBlocks; ++block)
    y = add(y, sender(shared, gradient_of_block(block)));
  backward(y);
  ASSERT_EQ(got.dtype(), DType::kBF16);
  const std::vector<double> expected = sum_of_blocks(0);
  for (std::int64_t i = 0; i < kElements; ++i)
    EXPECT_NEAR(static_cast<float>(got.data<bf16>()[i]), expected[i],
                0x1p-8 * std::abs(expected[i]) + kF32Sum);
}

TEST(Tape, GradientsOfOneUseAreHandedOnWithoutACopy) {
  const Tensor gradient = random_tensor({4}, 1, DType::kBF16);
  const Var x = Var::leaf(random_tensor({4}, 2, DType::kBF16));
  backward(sender(x, gradient));
  EXPECT_EQ(x.grad().raw(), gradient.raw());
}

TEST(Tape, NothingIsRecordedInANoGradScope) {
  const Var x = Var::leaf(random_tensor({2}, 1));
  const NoGradScope no_grad;
  EXPECT_FALSE(silu(x).requires_grad());
}

// Seen from within the walk: when op k of 50 is walked, the values of those after it are gone.
TEST(Tape, ActivationsAreReleasedWhileBackwardPassesThem) {
  constexpr int kOps = 50;
  constexpr std::size_t kBytes = 8000;  // of a value
  std::vector<std::size_t> in_use(kOps);
  const auto now = [] { return pool_statistics(Device::kCpu).in_use_bytes; };
  Var y = Var::leaf(random_tensor({1000}, 1));
  const std::size_t begin = now();
  for (int op = 0; op < kOps; ++op)
    y = Var::op(y.value().clone(), {y}, [op, now, &in_use](Inputs in, const Tensor& dy) {
      in_use[op] = now();
      in[0].add_grad(dy.clone());
    });
  EXPECT_GE(now() - begin, kOps * kBytes);
  Var last = std::move(y);
  backward(last);
  // The values of ops 0 .. k are there, dy, and of the last op what `last` holds.
  for (int op = 0; op < kOps; ++op)
    EXPECT_LT(in_use[op] - begin, (op + 5) * kBytes * 9 / 8) << "walking op " << op;
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

TEST(Tape, SeveralRootsSendTheirGradientsThroughOneGraph) {
  const Var x = Var::leaf(random_tensor({3}, 1)), twin = Var::leaf(random_tensor({3}, 1));
  const Tensor dy = random_tensor({3}, 2), dz = random_tensor({3}, 3);
  const Var trunk = silu(x);
  backward({{silu(trunk), dy}, {trunk, dz}});
  const Var both = silu(twin);
  const Var first = silu(both);
  // What the chain rule says: the trunk gets both gradients before it sends its own on.
  const Var at_trunk = Var::leaf(both.value());
  backward(silu(at_trunk), dy);
  accumulate(at_trunk.grad(), dz);
  backward(both, at_trunk.grad());
  EXPECT_EQ(x.grad().to_vector<double>(), twin.grad().to_vector<double>());
}

// A small net, half of it recomputed.
struct Net {
  std::vector<Var> leaves;
  Var output;

  explicit Net(const Tensor& x) {
    for (int i = 0; i < 4; ++i)
      leaves.push_back(Var::leaf(random_tensor({6, 6}, 10 + static_cast<std::uint64_t>(i)),
                                 Tensor::zeros({6, 6}, DType::kF64), i));
    const Var first = silu(linear(Var::constant(x), leaves[0]));
    const Var second = recompute([w = leaves[1]](Inputs in) { return silu(linear(in[0], w)); },
                                 {first}, {leaves[1]});
    output = linear(add(linear(second, leaves[2]), first), leaves[3]);
  }
};

TEST(LeafWork, PutOffGivesTheSameGradientsAndReportsThemWhenTheyAreThere) {
  const Tensor x = random_tensor({5, 6}, 1), dy = random_tensor({5, 6}, 2);
  const Net now(x), late(x);
  backward(now.output, dy);
  LeafWork work;
  std::vector<std::int64_t> ready;
  backward(late.output, dy,
           {.on_leaf_ready = [&](std::int64_t tag) { ready.push_back(tag); }, .later = &work});
  EXPECT_TRUE(ready.empty());
  for (const Var& leaf : late.leaves) EXPECT_EQ(sum_of_squares(leaf.grad()), 0);
  work.run();
  EXPECT_TRUE(work.empty());
  EXPECT_EQ(ready, (std::vector<std::int64_t>{3, 2, 1, 0}));
  for (std::size_t i = 0; i < now.leaves.size(); ++i)
    EXPECT_EQ(late.leaves[i].grad().to_vector<double>(), now.leaves[i].grad().to_vector<double>());
}

TEST(LeafWork, WhatAnOpBehindAWeightWaitsForIsNotPutOff) {
  const Var made = Var::leaf(random_tensor({4, 4}, 3)), twin = Var::leaf(random_tensor({4, 4}, 3));
  const Var x = Var::constant(random_tensor({2, 4}, 4));
  backward(linear(x, silu(made)));
  LeafWork work;
  backward(linear(x, silu(twin)), {}, {.later = &work});
  work.run();
  EXPECT_EQ(made.grad().to_vector<double>(), twin.grad().to_vector<double>());
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
