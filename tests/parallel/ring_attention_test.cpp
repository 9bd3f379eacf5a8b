#include "parallel/ring_attention.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>

#include "core/ops/attention/attention.h"
#include "core/ops/regroup.h"
#include "core/random.h"
#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

constexpr std::int64_t kHeads = 5, kWidth = kHeads * 8;  // no number of ranks divides the heads

Tensor numbers(const Shape& shape, std::uint64_t key, DType dtype) {
  const Tensor x = Tensor::empty(shape, DType::kF32);
  fill_normal(RandomStream(11, Purpose::kTest, key), x.data<float>(), x.numel());
  return x.to(dtype);
}

void expect_near(const Tensor& got, const Tensor& want, double tolerance, double relative) {
  ASSERT_EQ(got.shape(), want.shape());
  const std::vector<double> a = got.to(DType::kF64).to_vector<double>(),
                            b = want.to(DType::kF64).to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], tolerance + relative * std::abs(b[i])) << "element " << i;
}

// One clip over all ranks, clips of a segment each, many in one segment, cuts at every place, ranks
// that have slack alone.
const std::vector<std::vector<std::int64_t>> kClips = {
    {240}, {60, 60, 60, 60}, {7, 3, 1, 130, 9, 80}, {100, 20, 1, 0, 59, 11}, {30, 5}, {}};

Packing packing_of(const std::vector<std::int64_t>& lengths) {
  Packing packing = Packing::of_lengths(lengths);
  packing.rows = 240;
  return packing;
}

void expect_that_of_one_rank(int ranks, DType dtype, double tolerance, double relative) {
  for (const auto& lengths : kClips) {
    const Packing packing = packing_of(lengths);
    const Tensor qkv = numbers({240, 3 * kWidth}, 1, dtype),
                 dout = numbers({240, kWidth}, 2, dtype);
    const Var whole = Var::leaf(qkv);
    const Var expected = self_attention(whole, kHeads, packing);
    backward(expected, dout);
    run_local_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      omp_set_num_threads(1);
      const std::int64_t rows = 240 / ranks, first = group->rank() * rows;
      const Var x = Var::leaf(qkv.rows(first, rows));
      const Var y = ring_attention(x, kHeads, packing, group);
      EXPECT_EQ(y.value().dtype(), dtype);
      backward(y, dout.rows(first, rows));
      expect_near(y.value(), expected.value().rows(first, rows), tolerance, relative);
      expect_near(x.grad(), whole.grad().rows(first, rows), tolerance, relative);
    });
  }
}

TEST(RingAttention, IsTheAttentionOfOneRankForwardAndBackward) {
  for (const int ranks : {1, 2, 3, 4, 8}) expect_that_of_one_rank(ranks, DType::kF64, 1e-12, 0);
}

TEST(RingAttention, InF32UpToTheRoundingOfSums) {
  for (const int ranks : {2, 3, 4}) expect_that_of_one_rank(ranks, DType::kF32, 1e-5, 1e-5);
}

// Of the same numbers, held against f64: the result is rounded once, and sums over ranks are not.
TEST(RingAttention, InBf16RoundsTheResultOnceAndNoSumOnTheWay) {
  const Packing packing = packing_of({7, 3, 1, 130, 9, 80});
  const Tensor qkv = numbers({240, 3 * kWidth}, 1, DType::kBF16),
               dout = numbers({240, kWidth}, 2, DType::kBF16);
  const Var whole = Var::leaf(qkv.to(DType::kF64));
  const Var expected = self_attention(whole, kHeads, packing);
  backward(expected, dout.to(DType::kF64));
  const auto values_only = [](const Tensor& grad) {  // dv, which no rounded result is part of
    return parts_apart(grad, 1, 3).rows(2, 1);
  };
  for (const int ranks : {2, 4, 8})
    run_local_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      omp_set_num_threads(1);
      const std::int64_t rows = 240 / ranks, first = group->rank() * rows;
      const Var x = Var::leaf(qkv.rows(first, rows));
      const Var y = ring_attention(x, kHeads, packing, group);
      backward(y, dout.rows(first, rows));
      const Tensor grad = whole.grad().rows(first, rows);
      expect_near(y.value(), expected.value().rows(first, rows), 1e-5, 0x1p-8);
      expect_near(x.grad(), grad, 0x1p-8, 0x1p-8);
      expect_near(values_only(x.grad()), values_only(grad), 1e-5, 1e-5);
    });
}

TEST(RingAttention, GivesTheSameBitsInEveryRun) {
  const Packing packing = packing_of({7, 3, 1, 130, 9, 80});
  const auto gradients = [&] {
    std::vector<std::vector<float>> all(4);
    run_local_ranks(4, [&](const std::shared_ptr<Group>& group) {
      omp_set_num_threads(1);
      const auto key = static_cast<std::uint64_t>(group->rank());
      const Var x = Var::leaf(numbers({60, 3 * kWidth}, key, DType::kF32));
      backward(ring_attention(x, kHeads, packing, group), numbers({60, kWidth}, 9, DType::kF32));
      all[key] = x.grad().to_vector<float>();
    });
    return all;
  };
  EXPECT_EQ(gradients(), gradients());
}

// Counts what the ranks of a group send to each other.
class Counting : public Group {
 public:
  explicit Counting(std::shared_ptr<Group> group)
      : Group(group->name(), group->rank(), group->size()), group_(std::move(group)) {}
  std::int64_t rows = 0;

 protected:
  Messages do_exchange(const std::vector<Parcel>& sends,
                       const std::vector<Parcel>& receives) override {
    for (const Parcel& parcel : sends) rows += parcel.tensor.shape()[0];
    return group_->exchange(sends, receives);
  }
  Work do_all_reduce(const Tensor&, Reduce) override { return refuse(); }
  Work do_broadcast(const Tensor&, int) override { return refuse(); }
  Work do_all_gather(const Tensor&, const Tensor&) override { return refuse(); }
  Work do_reduce_scatter(const Tensor&, const Tensor&, Reduce) override { return refuse(); }
  Work do_all_to_all(const Tensor&, const Tensor&) override { return refuse(); }
  Work do_barrier() override { return refuse(); }
  std::shared_ptr<Group> do_split(int, int, const std::string&) override { return nullptr; }

 private:
  static Work refuse() { throw std::logic_error("a ring exchanges and does nothing else"); }
  std::shared_ptr<Group> group_;
};

// Four ranks of 60 rows: a clip within a rank, one over the first two, one over the last three.
TEST(RingAttention, SendsTheRowsOfSharedClipsAndNothingElse) {
  const Packing packing = packing_of({20, 60, 150});
  std::vector<std::int64_t> forward(4), both(4);
  run_local_ranks(4, [&](const std::shared_ptr<Group>& world) {
    omp_set_num_threads(1);
    const auto group = std::make_shared<Counting>(world);
    const auto rank = static_cast<std::size_t>(world->rank());
    const Var x = Var::leaf(numbers({60, 3 * kWidth}, rank, DType::kF64));
    const Var y = ring_attention(x, kHeads, packing, group);
    forward[rank] = group->rows;
    backward(y, numbers({60, kWidth}, 9, DType::kF64));
    both[rank] = group->rows;
  });
  // k and v: 40 rows of the second clip, 20 of it and 40 of the third to two, 60 to two, 50 to two.
  EXPECT_EQ(forward, (std::vector<std::int64_t>{2 * 40, 2 * (20 + 2 * 40), 4 * 60, 4 * 50}));
  // Once more, and the gradients of what came: 20, 40 + 60 + 50, 40 + 50, 40 + 60 rows of each.
  EXPECT_EQ(both, (std::vector<std::int64_t>{4 * 40 + 2 * 20, 4 * 100 + 2 * 150, 8 * 60 + 2 * 90,
                                             8 * 50 + 2 * 100}));
}

TEST(RingAttention, WhatIsKeptIsNotSentForAgain) {
  const Packing packing = packing_of({240});
  run_local_ranks(3, [&](const std::shared_ptr<Group>& world) {
    omp_set_num_threads(1);
    const auto group = std::make_shared<Counting>(world);
    const auto kept = std::make_shared<AttentionOutput>();
    const auto key = static_cast<std::uint64_t>(world->rank());
    const Var x = Var::leaf(numbers({80, 3 * kWidth}, key, DType::kF64));
    const Var first = ring_attention(x, kHeads, packing, group, kept);
    const std::int64_t sent = group->rows;
    EXPECT_GT(sent, 0);
    EXPECT_EQ(ring_attention(x, kHeads, packing, group, kept).value().raw(), first.value().raw());
    EXPECT_EQ(group->rows, sent);
  });
}

TEST(RingAttention, OfTwoSegmentsIsOneClipAtMost) {
  const Packing packing = packing_of({20, 60, 150});
  EXPECT_EQ(shared_rows(packing, 0, 1, 4), Slice::range(20, 40));
  EXPECT_EQ(shared_rows(packing, 1, 0, 4), Slice::range(0, 20));
  EXPECT_EQ(shared_rows(packing, 1, 3, 4), Slice::range(20, 40));
  EXPECT_EQ(shared_rows(packing, 3, 1, 4), Slice::range(0, 50));
  EXPECT_EQ(shared_rows(packing, 0, 2, 4).length, 0);
}

TEST(RingAttention, RefusesRowsThatAreNotASegment) {
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    EXPECT_THROW(ring_attention(Var::constant(Tensor::zeros({100, 3 * kWidth})), kHeads,
                                packing_of({30}), group),
                 std::invalid_argument);
  });
}

}  // namespace
}  // namespace muybridge
