#include "core/ops/attention.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

// The definition, in f64: softmax(q k^T / sqrt(E)) v clip by clip and head by head.
std::vector<double> reference(const Tensor& q, std::int64_t q_column, const Tensor& k,
                              std::int64_t k_column, std::int64_t v_column, std::int64_t heads,
                              std::int64_t width, const Packing& queries, const Packing& keys) {
  const std::int64_t rows = q.shape()[0], q_stride = q.shape()[1], k_stride = k.shape()[1],
                     head = width / heads;
  const std::vector<double> qs = q.to(DType::kF64).to_vector<double>(),
                            ks = k.to(DType::kF64).to_vector<double>();
  std::vector<double> out(rows * width, 0.0);
  for (int clip = 0; clip < queries.clips(); ++clip)
    for (std::int64_t a = 0; a < heads; ++a)
      for (std::int64_t i = queries.offsets[clip]; i < queries.offsets[clip + 1]; ++i) {
        std::vector<double> weights;
        double sum = 0;
        for (std::int64_t j = keys.offsets[clip]; j < keys.offsets[clip + 1]; ++j) {
          double score = 0;
          for (std::int64_t e = 0; e < head; ++e)
            score += qs[i * q_stride + q_column + a * head + e] *
                     ks[j * k_stride + k_column + a * head + e];
          weights.push_back(std::exp(score / std::sqrt(static_cast<double>(head))));
          sum += weights.back();
        }
        for (std::size_t j = 0; j < weights.size(); ++j)
          for (std::int64_t e = 0; e < head; ++e)
            out[i * width + a * head + e] +=
                weights[j] / sum *
                ks[(keys.offsets[clip] + static_cast<std::int64_t>(j)) * k_stride + v_column +
                   a * head + e];
      }
  return out;
}

void expect_near(const Tensor& got, const std::vector<double>& expected, double tolerance) {
  const std::vector<double> values = got.to(DType::kF64).to_vector<double>();
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(values[i], expected[i], tolerance) << "element " << i;
}

TEST(SelfAttention, GradientMatchesFiniteDifferences) {
  const Packing packing = Packing::of_lengths({5, 1, 19});
  expect_gradients([&](Inputs in) { return self_attention(in[0], 2, packing); },
                   {random_tensor({25, 3 * 12}, 1)});
}

TEST(CrossAttention, GradientMatchesFiniteDifferences) {
  const Packing queries = Packing::of_lengths({5, 9}), keys = Packing::of_lengths({3, 18});
  expect_gradients([&](Inputs in) { return cross_attention(in[0], in[1], 3, queries, keys); },
                   {random_tensor({14, 12}, 1), random_tensor({21, 24}, 2)});
}

TEST(SelfAttention, MatchesItsDefinitionAcrossBlockBoundaries) {
  for (const std::int64_t head : {8, 32, 40, 128}) {
    const std::int64_t heads = 2, width = heads * head;
    const Packing packing = Packing::of_lengths({1, 63, 64, 65, 300, 257});
    const Tensor qkv = random_tensor({packing.rows, 3 * width}, 7, DType::kF32);
    expect_near(self_attention(Var::constant(qkv), heads, packing).value(),
                reference(qkv, 0, qkv, width, 2 * width, heads, width, packing, packing), 3e-6);
  }
}

TEST(SelfAttention, Bf16FollowsTheDefinitionWithinItsRounding) {
  const Packing packing = Packing::of_lengths({70, 130});
  const Tensor qkv = random_tensor({200, 3 * 64}, 7, DType::kBF16);
  expect_near(self_attention(Var::constant(qkv), 2, packing).value(),
              reference(qkv, 0, qkv, 64, 128, 2, 64, packing, packing), 0.02);
}

TEST(SelfAttention, F32GradientMatchesTheF64One) {
  const Packing packing = Packing::of_lengths({33, 150, 64});
  const Tensor qkv = random_tensor({247, 3 * 64}, 5), dout = random_tensor({247, 64}, 6);
  const auto gradient = [&](DType dtype) {
    const Var x = Var::leaf(qkv.to(dtype));
    backward(self_attention(x, 2, packing), dout.to(dtype));
    return x.grad();
  };
  expect_near(gradient(DType::kF32), gradient(DType::kF64).to_vector<double>(), 2e-5);
}

TEST(SelfAttention, SlackIsZeroInOutputAndGradient) {
  const Packing packing = Packing::of({{1, 1, 5}}, 9);
  const Var x = Var::leaf(random_tensor({9, 24}, 1));
  const Var y = self_attention(x, 2, packing);
  backward(y, random_tensor({9, 8}, 2));
  for (int i = 5 * 8; i < 9 * 8; ++i) EXPECT_EQ(y.value().data<double>()[i], 0.0);
  for (int i = 5 * 24; i < 9 * 24; ++i) EXPECT_EQ(x.grad().data<double>()[i], 0.0);
}

TEST(SelfAttention, LargeScoresDoNotOverflow) {
  const Packing packing = Packing::of_lengths({40});
  Tensor qkv = random_tensor({40, 24}, 1, DType::kF32);
  for (float& value : qkv.span<float>()) value *= 60;
  const Tensor y = self_attention(Var::constant(qkv), 1, packing).value();
  for (const float value : y.span<float>()) EXPECT_TRUE(std::isfinite(value));
}

TEST(CrossAttention, RejectsPackingsOfDifferentClips) {
  EXPECT_THROW(cross_attention(Var::constant(random_tensor({4, 8}, 1)),
                               Var::constant(random_tensor({4, 16}, 1)), 2,
                               Packing::of_lengths({4}), Packing::of_lengths({2, 2})),
               std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
