#include "core/ops/attention/attention_part.h"

#include <algorithm>

#include "core/ops/accumulate.h"
#include "core/ops/attention/attention.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

constexpr std::int64_t kHeads = 3, kWidth = kHeads * 8;

// Clips within a tile of the kernel, over one and of several, with slack behind; the keys have
// other lengths. The last clip has keys that nobody asks for.
struct Clips {
  Packing queries = Packing::of_lengths({5, 64, 65, 200, 0}, 16);
  Packing keys = Packing::of_lengths({300, 128, 1, 129, 7}, 16);
};

// Keys [begin, end) of all, and what of each clip lies there.
AttentionPart part_of(const Tensor& q, const Tensor& kv, const Clips& clips, std::int64_t begin,
                      std::int64_t end) {
  const Tensor rows = kv.rows(begin, end - begin);
  AttentionPart part{.heads = kHeads,
                     .q = {q, 0},
                     .k = {rows, 0},
                     .v = {rows, kWidth},
                     .width = kWidth,
                     .queries = clips.queries.offsets,
                     .keys = {}};
  for (const std::int64_t offset : clips.keys.offsets)
    part.keys.push_back(
        static_cast<std::int32_t>(std::clamp<std::int64_t>(offset - begin, 0, end - begin)));
  return part;
}

void expect_near(const Tensor& got, const Tensor& want, double tolerance, double relative = 0) {
  ASSERT_EQ(got.shape(), want.shape());
  const std::vector<double> a = got.to(DType::kF64).to_vector<double>(),
                            b = want.to(DType::kF64).to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], tolerance + relative * std::abs(b[i])) << "element " << i;
}

// Attention over all keys, and in parts that end at `cuts`.
void expect_parts_make_the_whole(DType dtype, const std::vector<std::int64_t>& cuts,
                                 double tolerance, double relative) {
  const Clips clips;
  const std::int64_t rows = clips.queries.rows;
  const Tensor q = random_tensor({rows, kWidth}, 1, dtype),
               kv = random_tensor({clips.keys.rows, 2 * kWidth}, 2, dtype),
               dout = random_tensor({rows, kWidth}, 3, dtype);
  const Var x = Var::leaf(q), y = Var::leaf(kv);
  const Var whole = cross_attention(x, y, kHeads, clips.queries, clips.keys);
  backward(whole, dout);

  AttentionOutput sums;
  std::int64_t begin = 0;
  for (const std::int64_t end : cuts) {
    const AttentionOutput result = attend_part(part_of(q, kv, clips, begin, end));
    if (begin == 0)
      sums = result;
    else
      merge_attention(sums, result, 0);
    begin = end;
  }
  expect_near(sums.out, whole.value(), tolerance, relative);

  const Tensor out = sums.out.to(dtype);
  Tensor dq;
  begin = 0;
  for (const std::int64_t end : cuts) {
    const PartGradients grads =
        attend_part_backward(part_of(q, kv, clips, begin, end), out, sums.log_sum_exp, dout);
    if (dq.defined())
      accumulate(dq, grads.dq);
    else
      dq = grads.dq;
    for (std::int64_t row = begin; row < end; ++row) {
      const Tensor both = y.grad().rows(row, 1);
      expect_near(grads.dk.rows(row - begin, 1), both.flat_view(0, {1, kWidth}), tolerance,
                  relative);
      expect_near(grads.dv.rows(row - begin, 1), both.flat_view(kWidth, {1, kWidth}), tolerance,
                  relative);
    }
    begin = end;
  }
  expect_near(dq, x.grad(), tolerance, relative);
}

// Cuts inside of clips, between them, and a part without a key of most.
const std::vector<std::vector<std::int64_t>> kCuts = {
    {576}, {150, 576}, {300, 428, 576}, {1, 299, 300, 431, 500, 558, 576}};

TEST(AttentionPart, OverAllKeysTheyMakeTheWholeForwardAndBackward) {
  for (const auto& cuts : kCuts) expect_parts_make_the_whole(DType::kF64, cuts, 1e-12, 0);
}

TEST(AttentionPart, InF32TheyMakeItUpToTheRoundingOfSums) {
  for (const auto& cuts : kCuts) expect_parts_make_the_whole(DType::kF32, cuts, 1e-5, 1e-5);
}

// Nothing but the results is rounded to bf16, however many parts there are.
TEST(AttentionPart, InBf16TheyMakeItWithinOneRounding) {
  for (const auto& cuts : kCuts) expect_parts_make_the_whole(DType::kBF16, cuts, 1e-5, 0x1p-8);
}

TEST(AttentionPart, AQueryWithoutAKeyGivesNothingAndChangesNothing) {
  const Clips clips;
  const Tensor q = random_tensor({clips.queries.rows, kWidth}, 1),
               kv = random_tensor({clips.keys.rows, 2 * kWidth}, 2);
  // Keys of the second clip alone.
  const AttentionPart part = part_of(q, kv, clips, 310, 320);
  const AttentionOutput result = attend_part(part);
  const std::int64_t rows = clips.queries.rows;
  const auto has_keys = [](std::int64_t row) { return row >= 5 && row < 69; };
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t head = 0; head < kHeads; ++head) {
      const double sum = result.log_sum_exp.data<double>()[head * rows + row];
      EXPECT_EQ(sum < 0 && std::isinf(sum), !has_keys(row)) << row;
    }
    for (std::int64_t j = 0; j < kWidth; ++j)
      EXPECT_EQ(result.out.data<double>()[row * kWidth + j] == 0, !has_keys(row)) << row;
  }
  // Merged into itself where neither saw a key: nothing, and no NaN.
  const AttentionOutput twice{result.out.clone(), result.log_sum_exp.clone()};
  merge_attention(twice, result, 0);
  expect_near(twice.out, result.out, 1e-14);
  const PartGradients grads =
      attend_part_backward(part, result.out, result.log_sum_exp, random_tensor({rows, kWidth}, 3));
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t j = 0; j < kWidth; ++j)
      EXPECT_EQ(grads.dq.data<double>()[row * kWidth + j] == 0, !has_keys(row)) << row;
}

TEST(AttentionPart, OfSomeQueriesIsAddedToTheirRows) {
  const Tensor q = random_tensor({9, kWidth}, 1), kv = random_tensor({4, 2 * kWidth}, 2);
  const auto part = [&](const Tensor& queries, const Tensor& keys) {
    return AttentionPart{.heads = kHeads,
                         .q = {queries, 0},
                         .k = {keys, 0},
                         .v = {keys, kWidth},
                         .width = kWidth,
                         .queries = {0, static_cast<std::int32_t>(queries.shape()[0])},
                         .keys = {0, static_cast<std::int32_t>(keys.shape()[0])}};
  };
  const AttentionOutput sums = attend_part(part(q, kv.rows(0, 1)));
  const AttentionOutput before{sums.out.clone(), sums.log_sum_exp.clone()};
  merge_attention(sums, attend_part(part(q.rows(2, 5), kv.rows(1, 3))), 2);
  const AttentionOutput all = attend_part(part(q.rows(2, 5), kv));
  expect_near(sums.out.rows(2, 5), all.out, 1e-14);
  expect_near(log_sum_exp_of(sums.log_sum_exp, 2, 5), all.log_sum_exp, 1e-14);
  for (const std::int64_t row : {0, 1, 7, 8})
    EXPECT_EQ(sums.out.rows(row, 1).to_vector<double>(),
              before.out.rows(row, 1).to_vector<double>());
}

TEST(AttentionPart, RefusesWhatDoesNotFit) {
  const Tensor q = random_tensor({4, 8}, 1), kv = random_tensor({4, 16}, 2);
  AttentionPart part{.heads = 2,
                     .q = {q, 0},
                     .k = {kv, 0},
                     .v = {kv, 8},
                     .width = 8,
                     .queries = {0, 4},
                     .keys = {0, 5}};
  EXPECT_THROW(attend_part(part), std::invalid_argument);
  part.keys = {0, 2, 4};
  EXPECT_THROW(attend_part(part), std::invalid_argument);
  part.keys = {0, 4};
  const AttentionOutput result = attend_part(part);
  EXPECT_THROW(merge_attention(result, result, 1), std::invalid_argument);
  EXPECT_THROW(log_sum_exp_of(result.log_sum_exp, 2, 3), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
