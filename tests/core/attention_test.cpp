#include "core/ops/attention/attention.h"

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

// `relative` of each number, besides `tolerance`: 2^-8 where it was rounded to bf16, which keeps 8
// bits.
void expect_near(const Tensor& got, const std::vector<double>& expected, double tolerance,
                 double relative = 0) {
  const std::vector<double> values = got.to(DType::kF64).to_vector<double>();
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(values[i], expected[i], tolerance + relative * std::abs(expected[i]))
        << "element " << i;
}

// Its gradients, in f64, with all weights of a clip's head in one matrix: dv = w^T dout, and with
// g = w (dout v^T - (dout . out)) dq = g k / sqrt(E), dk = g^T q / sqrt(E).
struct Gradients {
  std::vector<double> dq, dkv;  // [T, D], [S, 2 D] in blocks k, v
};
Gradients reference_gradients(const Tensor& q, const Tensor& kv, const Tensor& dout,
                              std::int64_t heads, const Packing& queries, const Packing& keys) {
  const std::int64_t width = q.shape()[1], head = width / heads;
  const std::vector<double> out = reference(q, 0, kv, 0, width, heads, width, queries, keys);
  const std::vector<double> qs = q.to(DType::kF64).to_vector<double>(),
                            ks = kv.to(DType::kF64).to_vector<double>(),
                            ds = dout.to(DType::kF64).to_vector<double>();
  const double scale = 1 / std::sqrt(static_cast<double>(head));
  Gradients g{std::vector<double>(qs.size()), std::vector<double>(ks.size())};
  for (int clip = 0; clip < queries.clips(); ++clip)
    for (std::int64_t a = 0; a < heads; ++a)
      for (std::int64_t i = queries.offsets[clip]; i < queries.offsets[clip + 1]; ++i) {
        const std::int64_t row = i * width + a * head;
        const auto key = [&](std::int64_t j) { return j * 2 * width + a * head; };
        std::vector<double> weights;
        double sum = 0, mean = 0;
        for (std::int64_t j = keys.offsets[clip]; j < keys.offsets[clip + 1]; ++j) {
          double score = 0;
          for (std::int64_t e = 0; e < head; ++e) score += qs[row + e] * ks[key(j) + e];
          weights.push_back(std::exp(score * scale));
          sum += weights.back();
        }
        for (std::int64_t e = 0; e < head; ++e) mean += ds[row + e] * out[row + e];
        for (std::int64_t j = keys.offsets[clip]; j < keys.offsets[clip + 1]; ++j) {
          const double weight = weights[j - keys.offsets[clip]] / sum;
          double value = 0;
          for (std::int64_t e = 0; e < head; ++e) value += ds[row + e] * ks[key(j) + width + e];
          const double grad = weight * (value - mean) * scale;
          for (std::int64_t e = 0; e < head; ++e) {
            g.dq[row + e] += grad * ks[key(j) + e];
            g.dkv[key(j) + e] += grad * qs[row + e];
            g.dkv[key(j) + width + e] += weight * ds[row + e];
          }
        }
      }
  return g;
}

// Clips within one tile of the kernel (64 queries, 128 keys backward), of its size, one over it and
// of several in both directions, with slack behind.
struct Tiles {
  Packing queries = Packing::of_lengths({5, 64, 65, 200}, 16);
  Packing keys = Packing::of_lengths({300, 128, 1, 129}, 16);
};

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

// The definition is given the same bf16 numbers, and arithmetic is f32: only the result is rounded.
TEST(SelfAttention, Bf16FollowsTheDefinitionWithinItsRounding) {
  const Packing packing = Packing::of_lengths({70, 130});
  const Tensor qkv = random_tensor({200, 3 * 64}, 7, DType::kBF16);
  expect_near(self_attention(Var::constant(qkv), 2, packing).value(),
              reference(qkv, 0, qkv, 64, 128, 2, 64, packing, packing), 3e-6, 0x1p-8);
}

TEST(CrossAttention, GradientMatchesItsDefinitionAcrossTiles) {
  const Tiles tiles;
  ASSERT_GT(tiles.queries.rows, tiles.queries.used());
  for (const std::int64_t head : {8, 40}) {
    const std::int64_t heads = 3, width = heads * head;
    const Tensor q = random_tensor({tiles.queries.rows, width}, 1, DType::kBF16),
                 kv = random_tensor({tiles.keys.rows, 2 * width}, 2, DType::kBF16),
                 dout = random_tensor({tiles.queries.rows, width}, 3, DType::kBF16);
    const Gradients want = reference_gradients(q, kv, dout, heads, tiles.queries, tiles.keys);
    for (const DType dtype : {DType::kF64, DType::kF32, DType::kBF16}) {
      const Var x = Var::leaf(q.to(dtype)), y = Var::leaf(kv.to(dtype));
      backward(cross_attention(x, y, heads, tiles.queries, tiles.keys), dout.to(dtype));
      // In bf16 the results are rounded, and so is what backward takes the rows' means of: out.
      const double tolerance = dtype == DType::kF64 ? 1e-12 : dtype == DType::kF32 ? 2e-5 : 0x1p-8;
      const double relative = dtype == DType::kBF16 ? 0x1p-8 : 0;
      expect_near(x.grad(), want.dq, tolerance, relative);
      expect_near(y.grad(), want.dkv, tolerance, relative);
    }
  }
}

TEST(SelfAttention, GradientMatchesItsDefinitionAcrossTiles) {
  const Packing packing = Packing::of_lengths({1, 200, 64, 131}, 16);
  const std::int64_t heads = 3, width = heads * 16, rows = packing.rows;
  const Tensor qkv = random_tensor({rows, 3 * width}, 1), dout = random_tensor({rows, width}, 2);
  const Tensor q = Tensor::empty({rows, width}, DType::kF64),
               kv = Tensor::empty({rows, 2 * width}, DType::kF64);
  for (std::int64_t row = 0; row < rows; ++row) {
    q.rows(row, 1).copy_from(qkv.flat_view(row * 3 * width, {1, width}));
    kv.rows(row, 1).copy_from(qkv.flat_view((row * 3 + 1) * width, {1, 2 * width}));
  }
  const Gradients want = reference_gradients(q, kv, dout, heads, packing, packing);
  std::vector<double> expected;
  for (std::int64_t row = 0; row < rows; ++row) {
    expected.insert(expected.end(), want.dq.begin() + row * width,
                    want.dq.begin() + (row + 1) * width);
    expected.insert(expected.end(), want.dkv.begin() + row * 2 * width,
                    want.dkv.begin() + (row + 1) * 2 * width);
  }
  for (const DType dtype : {DType::kF64, DType::kF32}) {
    const Var x = Var::leaf(qkv.to(dtype));
    backward(self_attention(x, heads, packing), dout.to(dtype));
    expect_near(x.grad(), expected, dtype == DType::kF64 ? 1e-12 : 2e-5);
  }
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

TEST(SelfAttention, WhatIsKeptIsTakenAndNotComputedAgain) {
  const Packing packing = Packing::of_lengths({9, 30});
  const Tensor qkv = random_tensor({39, 24}, 1), dout = random_tensor({39, 8}, 2);
  const auto kept = std::make_shared<AttentionOutput>();
  const Var x = Var::leaf(qkv);
  const Var first = self_attention(x, 2, packing, kept),
            second = self_attention(x, 2, packing, kept);
  EXPECT_EQ(second.value().raw(), first.value().raw());
  backward(second, dout);
  const Var plain = Var::leaf(qkv);
  backward(self_attention(plain, 2, packing), dout);
  EXPECT_EQ(x.grad().to_vector<double>(), plain.grad().to_vector<double>());
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
