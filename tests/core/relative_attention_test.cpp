#include "core/ops/attention/relative_attention.h"

#include <algorithm>

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

constexpr std::int64_t kHeads = 3;
constexpr RelativeBuckets kBuckets{.count = 8, .max_distance = 20};

// Texts within a block of queries, of one and of several, longer than the largest distance, without
// a token, and slack behind.
Packing packing() { return Packing::of_lengths({1, 150, 0, 64, 65, 7}, 16); }

// The definition, a score after the other.
std::vector<double> by_definition(const Tensor& qkv, const Tensor& table, const Packing& texts) {
  const std::int64_t width = qkv.shape()[1] / 3, head_width = width / kHeads;
  const std::vector<double> x = qkv.to(DType::kF64).to_vector<double>(),
                            bias = table.to(DType::kF64).to_vector<double>();
  std::vector<double> out(static_cast<std::size_t>(texts.rows * width), 0);
  for (int text = 0; text < texts.clips(); ++text)
    for (std::int64_t head = 0; head < kHeads; ++head)
      for (std::int64_t i = texts.offsets[text]; i < texts.offsets[text + 1]; ++i) {
        double total = 0;
        double* const row = &out[i * width + head * head_width];
        for (std::int64_t j = texts.offsets[text]; j < texts.offsets[text + 1]; ++j) {
          double score = bias[kBuckets.of(j - i) * kHeads + head];
          for (std::int64_t e = head * head_width; e < (head + 1) * head_width; ++e)
            score += x[i * 3 * width + e] * x[j * 3 * width + width + e];
          total += std::exp(score);
          for (std::int64_t e = 0; e < head_width; ++e)
            row[e] += std::exp(score) * x[j * 3 * width + 2 * width + head * head_width + e];
        }
        for (std::int64_t e = 0; e < head_width; ++e) row[e] /= total;
      }
  return out;
}

void expect_definition(DType dtype, std::int64_t head_width, double tolerance) {
  const Packing texts = packing();
  // Scores of about one, whatever the width.
  const Tensor qkv = random_tensor({texts.rows, 3 * kHeads * head_width}, 1);
  for (double& value : qkv.span<double>()) value /= std::sqrt(std::sqrt(head_width));
  const Tensor x = qkv.to(dtype), table = random_tensor({kBuckets.count, kHeads}, 2, dtype);
  const Tensor out =
      relative_attention(Var::constant(x), Var::constant(table), kBuckets, kHeads, texts).value();
  const std::vector<double> got = out.to(DType::kF64).to_vector<double>(),
                            want = by_definition(x, table, texts);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR(got[i], want[i], tolerance) << name_of(dtype) << " " << head_width << " " << i;
}

TEST(RelativeAttention, IsWhatItsDefinitionSaysForAnyHeadWidth) {
  for (const std::int64_t head_width : {5, 16, 64, 200}) {
    expect_definition(DType::kF64, head_width, 1e-13);
    expect_definition(DType::kF32, head_width, 1e-5);
    expect_definition(DType::kBF16, head_width, 1e-2);
  }
}

TEST(RelativeAttention, ATextIsWhatItIsAlone) {
  const Packing texts = packing();
  const Tensor qkv = random_tensor({texts.rows, 3 * kHeads * 16}, 1, DType::kF32),
               table = random_tensor({kBuckets.count, kHeads}, 2, DType::kF32);
  const auto attend = [&](const Tensor& x, const Packing& packed) {
    return relative_attention(Var::constant(x), Var::constant(table), kBuckets, kHeads, packed)
        .value();
  };
  const Tensor all = attend(qkv, texts);
  for (const int text : {1, 4}) {
    const std::int64_t first = texts.offsets[text], length = texts.length(text);
    EXPECT_EQ(
        attend(qkv.rows(first, length).clone(), Packing::of_lengths({length})).to_vector<float>(),
        all.rows(first, length).to_vector<float>());
  }
}

TEST(RelativeAttention, DistancesBeyondTheLargestShareABucketAndSidesDoNot) {
  for (const RelativeBuckets& buckets : {kBuckets, RelativeBuckets{}}) {
    const auto [count, furthest] = buckets;
    std::vector<bool> used(static_cast<std::size_t>(count), false);
    for (std::int64_t d = -3 * furthest; d <= 3 * furthest; ++d) {
      const std::int64_t bucket = buckets.of(d);
      ASSERT_TRUE(bucket >= 0 && bucket < count) << d;
      used[bucket] = true;
      const std::int64_t away = std::abs(d), other = d > 0 ? count / 2 : 0;
      EXPECT_EQ(bucket, buckets.of(-away) + other);
      EXPECT_EQ(bucket, buckets.of(d > 0 ? std::min(d, furthest) : std::max(d, -furthest)));
      EXPECT_TRUE(away == 0 || bucket >= buckets.of(1 - away) + other);
    }
    // That of distance zero on the other side is of none.
    EXPECT_EQ(std::ranges::count(used, true), count - 1);
    EXPECT_FALSE(used[count / 2]);
  }
}

TEST(RelativeAttention, RefusesAGradientAndSaysWhatToDo) {
  const Packing texts = Packing::of_lengths({4});
  const Tensor qkv = random_tensor({4, 3 * kHeads * 8}, 1),
               table = random_tensor({kBuckets.count, kHeads}, 2);
  const Var bias = Var::constant(table);
  try {
    relative_attention(Var::leaf(qkv), bias, kBuckets, kHeads, texts);
    FAIL() << "a gradient would have been lost";
  } catch (const std::logic_error& error) {
    EXPECT_NE(std::string(error.what()).find("NoGradScope"), std::string::npos) << error.what();
  }
  EXPECT_THROW(relative_attention(Var::constant(qkv), Var::leaf(table), kBuckets, kHeads, texts),
               std::logic_error);
  const NoGradScope no_grad;
  EXPECT_NO_THROW(relative_attention(Var::leaf(qkv), bias, kBuckets, kHeads, texts));
}

TEST(RelativeAttention, RefusesWhatDoesNotFit) {
  const Packing texts = Packing::of_lengths({4});
  const Var qkv = Var::constant(random_tensor({4, 3 * kHeads * 8}, 1)),
            table = Var::constant(random_tensor({kBuckets.count, kHeads}, 2));
  const auto attend = [&](const Var& x, const Var& bias, const RelativeBuckets& buckets,
                          const Packing& packed) {
    relative_attention(x, bias, buckets, kHeads, packed);
  };
  EXPECT_NO_THROW(attend(qkv, table, kBuckets, texts));
  EXPECT_THROW(attend(table, table, kBuckets, texts), std::invalid_argument);
  EXPECT_THROW(attend(qkv, qkv, kBuckets, texts), std::invalid_argument);
  EXPECT_THROW(attend(qkv, table, kBuckets, Packing::of_lengths({5})), std::invalid_argument);
  for (const RelativeBuckets& wrong :
       {RelativeBuckets{.count = 2}, RelativeBuckets{.count = 7}, RelativeBuckets{8, 2}})
    EXPECT_THROW(attend(qkv, table, wrong, texts), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
