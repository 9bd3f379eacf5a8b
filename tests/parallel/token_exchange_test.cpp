#include "parallel/token_exchange.h"

#include <gtest/gtest.h>

#include <functional>

#include "core/buffer.h"
#include "core/ops/accumulate.h"
#include "core/ops/residual.h"
#include "core/random.h"
#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

constexpr int kRanks = 3;
constexpr std::int64_t kRows = 4, kBlocks = 2, kColumns = kBlocks * kRanks * 5;

// Different for every rank that asks with its number.
Tensor numbers(const Shape& shape, std::uint64_t key) {
  const Tensor x = Tensor::empty(shape, DType::kF64);
  const RandomStream draw(11, Purpose::kTest, key);
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.data<double>()[i] = draw.normal(static_cast<std::uint64_t>(i));
  return x;
}

Tensor numbers_of(int rank, const Shape& shape, std::uint64_t purpose) {
  return numbers(shape, purpose * 100 + static_cast<std::uint64_t>(rank));
}

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) sum += a.data<double>()[i] * b.data<double>()[i];
  return sum;
}

TEST(TokenExchange, GatherHasTheRowsOfAllRanksInOrder) {
  run_local_ranks(kRanks, [](const std::shared_ptr<Group>& group) {
    const Var all = gather_rows(Var::leaf(numbers_of(group->rank(), {kRows, kColumns}, 1)), group);
    for (int rank = 0; rank < kRanks; ++rank)
      EXPECT_EQ(all.value().rows(rank * kRows, kRows).to_vector<double>(),
                numbers_of(rank, {kRows, kColumns}, 1).to_vector<double>());
  });
}

TEST(TokenExchange, SumGivesEachRankItsRowsOfTheSum) {
  run_local_ranks(kRanks, [](const std::shared_ptr<Group>& group) {
    const Shape shape{kRanks * kRows, kColumns};
    const Var mine = sum_to_rows(Var::leaf(numbers_of(group->rank(), shape, 1)), group);
    const Tensor sum = numbers_of(0, shape, 1).clone();
    for (int rank = 1; rank < kRanks; ++rank) accumulate(sum, numbers_of(rank, shape, 1));
    EXPECT_EQ(mine.value().to_vector<double>(),
              sum.rows(group->rank() * kRows, kRows).to_vector<double>());
    EXPECT_THROW(sum_to_rows(Var::constant(Tensor::zeros({kRanks * kRows + 1, 2})), group),
                 std::invalid_argument);
  });
}

TEST(TokenExchange, HeadsComeFromTheTokensOfAllRanks) {
  run_local_ranks(kRanks, [](const std::shared_ptr<Group>& group) {
    const Var x = Var::leaf(numbers_of(group->rank(), {kRows, kColumns}, 1));
    const Var heads = tokens_to_heads(x, kBlocks, group);
    constexpr std::int64_t kPart = kColumns / kBlocks / kRanks;
    ASSERT_EQ(heads.shape(), (Shape{kRanks * kRows, kBlocks * kPart}));
    for (int rank = 0; rank < kRanks; ++rank) {
      const Tensor theirs = numbers_of(rank, {kRows, kColumns}, 1);
      for (std::int64_t row = 0; row < kRows; ++row)
        for (std::int64_t block = 0; block < kBlocks; ++block)
          for (std::int64_t k = 0; k < kPart; ++k)
            EXPECT_EQ(
                heads.value()
                    .data<double>()[(rank * kRows + row) * kBlocks * kPart + block * kPart + k],
                theirs
                    .data<double>()[row * kColumns + (block * kRanks + group->rank()) * kPart + k]);
    }
    EXPECT_EQ(heads_to_tokens(heads, kBlocks, group).value().to_vector<double>(),
              x.value().to_vector<double>());
  });
}

// Of a linear map A over all ranks the gradient is its transpose: <A x, dy> = <x, A^T dy>, the
// products summed over ranks.
TEST(TokenExchange, TheGradientOfEachIsItsTranspose) {
  using Op = std::function<Var(const Var&, const std::shared_ptr<Group>&)>;
  struct Case {
    Op op;
    Shape shape;
  };
  const Shape few{kRows, kColumns}, many{kRanks * kRows, kColumns},
      heads{kRanks * kRows, kColumns / kRanks};
  const std::vector<Case> cases = {
      {gather_rows, few},
      {sum_to_rows, many},
      {[](const Var& x, const auto& group) { return tokens_to_heads(x, kBlocks, group); }, few},
      {[](const Var& x, const auto& group) { return heads_to_tokens(x, kBlocks, group); }, heads}};
  for (std::size_t i = 0; i < cases.size(); ++i)
    run_local_ranks(kRanks, [&, i](const std::shared_ptr<Group>& group) {
      const Var x = Var::leaf(numbers_of(group->rank(), cases[i].shape, 1));
      const Var y = cases[i].op(x, group);
      const Tensor dy = numbers_of(group->rank(), y.shape(), 2);
      const double forward = dot(y.value(), dy);
      backward(y, dy);
      const Tensor sums = Tensor::of<double>({2}, {forward, dot(x.value(), x.grad())});
      group->all_reduce(sums).wait();
      EXPECT_NEAR(sums.data<double>()[0], sums.data<double>()[1], 1e-10) << "case " << i;
      EXPECT_NE(sums.data<double>()[0], 0);
    });
}

TEST(TokenExchange, AGroupOfOneIsTheIdentity) {
  const Var x = Var::leaf(numbers({kRows, kColumns}, 1));
  const auto solo = solo_group();
  for (const Var& y : {gather_rows(x, solo), sum_to_rows(x, solo), tokens_to_heads(x, 2, solo),
                       heads_to_tokens(x, 2, solo)})
    EXPECT_EQ(y.value().raw(), x.value().raw());
}

// What an exchange takes it lets go of: its backward reads the gradient alone.
TEST(TokenExchange, KeepsNothingOfItsInput) {
  constexpr std::int64_t kMany = 256, kWide = 768;
  using Exchanged = std::function<Var(const Var&, const std::shared_ptr<Group>&)>;
  const std::vector<Exchanged> exchanges = {
      [](const Var& x, const std::shared_ptr<Group>& group) { return gather_rows(x, group); },
      [](const Var& x, const std::shared_ptr<Group>& group) { return sum_to_rows(x, group); },
      [](const Var& x, const std::shared_ptr<Group>& group) {
        return tokens_to_heads(x, 3, group);
      },
      [](const Var& x, const std::shared_ptr<Group>& group) {
        return heads_to_tokens(x, 3, group);
      }};
  for (const Exchanged& exchange : exchanges) {
    trim_pool(Device::kCpu);
    run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
      const auto in_use = [&] {
        group->barrier().wait();
        const std::size_t bytes = pool_statistics(Device::kCpu).in_use_bytes;
        group->barrier().wait();
        return bytes;
      };
      const Var leaf = Var::leaf(Tensor::zeros({kMany, kWide}));
      const std::size_t before = in_use();
      const Var y = exchange(add(leaf, leaf), group);
      const std::size_t kept = in_use() - before;
      EXPECT_LT(kept, 2 * y.value().bytes() + leaf.value().bytes() / 2);  // of both ranks
      backward(y, Tensor::zeros(y.shape()));
    });
  }
}

}  // namespace
}  // namespace muybridge
