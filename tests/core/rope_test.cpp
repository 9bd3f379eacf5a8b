#include "core/ops/attention/rope.h"

#include "core/ops/accumulate.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

Packing two_clips() { return Packing::of({{2, 2, 3}, {1, 2, 1}}, 15); }

TEST(RopeAxes, HeadOf128SplitsAsWanDoes) {
  const RopeAxes axes = RopeAxes::of_head_width(128);
  EXPECT_EQ(axes.frames, 44);
  EXPECT_EQ(axes.height, 42);
  EXPECT_EQ(axes.width, 42);
}

TEST(RopeTable, HoldsCosineAndSineOfEachAxisAndLeavesSlackUnturned) {
  const RopeAxes axes = RopeAxes::of_head_width(16, 100.0);  // 8, 4, 4
  const Tensor table = rope_table(two_clips(), axes, DType::kF64);
  const auto at = [&](int token, int column) { return table.data<double>()[token * 16 + column]; };
  // Token 11 of the first clip lies at frame 1, row 1, column 2.
  EXPECT_DOUBLE_EQ(at(11, 0), std::cos(1.0));
  EXPECT_DOUBLE_EQ(at(11, 3), std::sin(std::pow(100.0, -0.25)));
  EXPECT_DOUBLE_EQ(at(11, 8), std::cos(1.0));
  EXPECT_DOUBLE_EQ(at(11, 12), std::cos(2.0));
  EXPECT_DOUBLE_EQ(at(11, 15), std::sin(2.0 * 0.1));
  // The second clip counts its own places: token 13 is its row 1.
  EXPECT_DOUBLE_EQ(at(13, 0), 1.0);
  EXPECT_DOUBLE_EQ(at(13, 8), std::cos(1.0));
  for (int column = 0; column < 16; ++column) EXPECT_EQ(at(14, column), column % 2 ? 0.0 : 1.0);
}

TEST(RopeTable, OfSomeRowsIsThatPartOfTheWhole) {
  const Packing packing = Packing::of({{2, 2, 3}, {0, 2, 2}, {1, 2, 1}, {3, 1, 1}}, 20);
  const RopeAxes axes = RopeAxes::of_head_width(16);
  const Tensor whole = rope_table(packing, axes);
  for (const std::int64_t begin : {0, 5, 12, 14, 18})
    EXPECT_EQ(rope_table(packing, axes, DType::kF32, Slice::range(begin, 20 - begin), Device::kCpu)
                  .to_vector<float>(),
              whole.rows(begin, 20 - begin).to_vector<float>());
  // Behind an empty clip: token 14 is the first of the last one.
  EXPECT_EQ(whole.rows(14, 1).to_vector<float>(), whole.rows(0, 1).to_vector<float>());
  EXPECT_NE(whole.rows(13, 1).to_vector<float>(), whole.rows(12, 1).to_vector<float>());
}

TEST(QkNormRope, GradientMatchesFiniteDifferencesForQkv) {
  const Tensor rope = rope_table(two_clips(), RopeAxes::of_head_width(6), DType::kF64);
  expect_gradients(
      [&](Inputs in) {
        return qk_norm_rope(in[0], {in[1], in[2]}, 2, rope, 1e-6);
      },
      {random_tensor({15, 36}, 1), random_tensor({12}, 2), random_tensor({12}, 3)});
}

TEST(QkNormRope, GradientMatchesFiniteDifferencesForKvWithoutRotation) {
  expect_gradients([&](Inputs in) { return qk_norm_rope(in[0], {in[1]}, 2, {}, 1e-6); },
                   {random_tensor({5, 24}, 1), random_tensor({12}, 2)});
}

// Two ranks with half of the heads each. What one adds to the other's sums is taken from a walk
// before, in which they see only their own.
TEST(QkNormRope, SharedRowsGiveWhatWholeRowsGive) {
  constexpr std::int64_t kRows = 15, kWidth = 12, kHalf = kWidth / 2;
  const Tensor rope = rope_table(two_clips(), RopeAxes::of_head_width(6), DType::kF64);
  const auto half_of = [](const Tensor& x, int half) {  // of each block of kWidth columns
    const std::int64_t pieces = x.numel() / kWidth;
    const Tensor out = Tensor::empty({pieces, kHalf}, DType::kF64);
    for (std::int64_t piece = 0; piece < pieces; ++piece)
      std::copy_n(x.data<double>() + piece * kWidth + half * kHalf, kHalf,
                  out.data<double>() + piece * kHalf);
    return out.reshape({pieces / (x.shape().back() / kWidth), x.shape().back() / 2});
  };
  const Tensor x = random_tensor({kRows, 3 * kWidth}, 1), q = random_tensor({kWidth}, 2),
               k = random_tensor({kWidth}, 3), dy = random_tensor({kRows, 3 * kWidth}, 4);
  const auto walk = [&](const Tensor& values, const Tensor& wq, const Tensor& wk,
                        const Tensor& grad, std::int64_t heads, const SharedRows& shared) {
    const std::vector<Var> in = {Var::leaf(values), Var::leaf(wq), Var::leaf(wk)};
    const Var y = qk_norm_rope(in[0], {in[1], in[2]}, heads, rope, 1e-2, shared);
    backward(y, grad);
    return std::vector<Tensor>{y.value(), in[0].grad(), in[1].grad(), in[2].grad()};
  };
  const std::vector<Tensor> whole = walk(x, q, k, dy, 2, {});
  std::vector<Tensor> sums[2];  // of each half: squares, then dots
  const auto walk_half = [&](int half, const SharedRows& shared) {
    return walk(half_of(x, half), half_of(q.reshape({1, kWidth}), half).reshape({kHalf}),
                half_of(k.reshape({1, kWidth}), half).reshape({kHalf}), half_of(dy, half), 1,
                shared);
  };
  for (const int half : {0, 1})
    walk_half(half,
              {.parts = 2, .sum = [&](const Tensor& sum) { sums[half].push_back(sum.clone()); }});
  for (const int half : {0, 1}) {
    std::size_t call = 0;
    const std::vector<Tensor> got = walk_half(half, {.parts = 2, .sum = [&](const Tensor& sum) {
                                                       accumulate(sum, sums[1 - half][call++]);
                                                     }});
    ASSERT_EQ(call, 2U);
    for (std::size_t i = 0; i < got.size(); ++i) {
      const Tensor expected = half_of(i < 2 ? whole[i] : whole[i].reshape({1, kWidth}), half);
      for (std::int64_t j = 0; j < got[i].numel(); ++j)
        EXPECT_NEAR(got[i].data<double>()[j], expected.data<double>()[j], 1e-13) << i << " " << j;
    }
  }
}

TEST(QkNormRope, ScoresDependOnlyOnRelativePositions) {
  // One head of width 8 on one axis: q . k after rotation is the same for places (0, 3) and (2, 5).
  const Packing packing = Packing::of_lengths({6});
  const Tensor rope = rope_table(packing, RopeAxes::of_sequence(8), DType::kF64);
  const Tensor row = random_tensor({1, 16}, 4), ones = Tensor::full({8}, 1.0, DType::kF64);
  const Tensor x = Tensor::empty({6, 16}, DType::kF64);
  for (int i = 0; i < 6; ++i) x.rows(i, 1).copy_from(row);
  const Var weight = Var::constant(ones);
  const Tensor y = qk_norm_rope(Var::constant(x), {weight, weight}, 1, rope, 1e-6).value();
  const auto score = [&](int q, int k) {
    double sum = 0;
    for (int e = 0; e < 8; ++e)
      sum += y.data<double>()[q * 16 + e] * y.data<double>()[k * 16 + 8 + e];
    return sum;
  };
  EXPECT_NEAR(score(0, 3), score(2, 5), 1e-12);
  EXPECT_GT(std::abs(score(0, 3) - score(3, 0)), 1e-3);
}

TEST(QkNormRope, BlocksAfterTheWeightsAreCopied) {
  const Tensor x = random_tensor({4, 36}, 1), ones = Tensor::full({12}, 1.0, DType::kF64);
  const Var weight = Var::constant(ones);
  const Tensor y = qk_norm_rope(Var::constant(x), {weight, weight}, 3, {}, 1e-6).value();
  for (int row = 0; row < 4; ++row)
    for (int j = 24; j < 36; ++j)
      EXPECT_EQ(y.data<double>()[row * 36 + j], x.data<double>()[row * 36 + j]);
}

TEST(QkNormRope, RejectsARowThatIsNoWholeNumberOfBlocks) {
  const Var weight = Var::constant(random_tensor({12}, 1));
  EXPECT_THROW(qk_norm_rope(Var::constant(random_tensor({4, 30}, 1)), {weight}, 3, {}, 1e-6),
               std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
