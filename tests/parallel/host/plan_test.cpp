#include "parallel/host/plan.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
#include <numeric>
#include <vector>

#include "core/random.h"

namespace muybridge {
namespace {

// Carries the plans of all ranks out in one thread, with no network: at each turn a rank drawn by
// `seed` posts its next message or passes to its next round. Returns false if they get stuck.
class Simulation {
 public:
  Simulation(std::vector<Plan> plans, std::uint64_t seed)
      : plans_(std::move(plans)), ranks_(plans_.size()), draw_(seed, Purpose::kTest) {}

  bool run() {
    const auto size = static_cast<std::int64_t>(plans_.size());
    for (int idle = 0; idle < 1000 * size;) {
      const auto rank = static_cast<int>(draw_.integer(turn_++, 0, size - 1));
      idle = step(rank) ? 0 : idle + 1;
      if (over_ == plans_.size()) return lines_empty();
    }
    return false;
  }
  std::size_t bytes_sent(int rank) const { return ranks_[static_cast<std::size_t>(rank)].sent; }

 private:
  struct Rank {
    std::vector<std::byte> borrowed;
    std::size_t round = 0;
    std::size_t posted = 0;  // moves of the round that have been looked at
    std::vector<const Move*> expected;
    std::size_t sent = 0;
    bool begun = false;  // the round
  };

  bool step(int r) {
    Rank& rank = ranks_[static_cast<std::size_t>(r)];
    const Plan& plan = plans_[static_cast<std::size_t>(r)];
    if (rank.round == plan.rounds.size()) return false;
    const Round& round = plan.rounds[rank.round];
    rank.borrowed.resize(plan.borrowed);
    std::byte* borrowed = rank.borrowed.data();
    if (rank.posted == 0 && !rank.begun && round.before) round.before(borrowed);
    rank.begun = true;
    if (rank.posted < round.moves.size()) {
      const Move& move = round.moves[rank.posted++];
      EXPECT_NE(move.peer, r);
      EXPECT_GT(move.bytes, 0U);
      if (move.outgoing) {
        rank.sent += move.bytes;
        const std::byte* data = move.place(borrowed);
        lines_[{r, move.peer}].emplace_back(data, data + move.bytes);
      } else {
        rank.expected.push_back(&move);
      }
      return true;
    }
    for (auto move = rank.expected.begin(); move != rank.expected.end(); ++move) {
      auto& line = lines_[{(*move)->peer, r}];
      if (line.empty()) continue;
      // Earlier expectations of the same peer come first: arrivals are in order.
      bool first = true;
      for (auto other = rank.expected.begin(); other != move; ++other)
        first &= (*other)->peer != (*move)->peer;
      if (!first) continue;
      EXPECT_EQ(line.front().size(), (*move)->bytes);
      std::memcpy((*move)->place(borrowed), line.front().data(), (*move)->bytes);
      line.pop_front();
      rank.expected.erase(move);
      return true;
    }
    if (!rank.expected.empty()) return false;
    if (round.then) round.then(borrowed);
    ++rank.round;
    rank.posted = 0;
    rank.begun = false;
    if (rank.round == plan.rounds.size()) ++over_;
    return true;
  }

  bool lines_empty() const {
    for (const auto& [pair, line] : lines_)
      if (!line.empty()) return false;
    return true;
  }

  std::vector<Plan> plans_;
  std::vector<Rank> ranks_;
  std::map<std::pair<int, int>, std::deque<std::vector<std::byte>>> lines_;
  RandomStream draw_;
  std::uint64_t turn_ = 0;
  std::size_t over_ = 0;
};

Tensor numbers(int rank, std::int64_t n) {
  const Tensor x = Tensor::empty({n}, DType::kI64);
  for (std::int64_t i = 0; i < n; ++i) x.data<std::int64_t>()[i] = 1000 * i + rank;
  return x;
}

template <class Make>
auto for_ranks(int size, const Make& make) {
  std::vector<decltype(make(0))> things;
  things.reserve(static_cast<std::size_t>(size));
  for (int rank = 0; rank < size; ++rank) things.push_back(make(rank));
  return things;
}

std::vector<Tensor> numbers_of_ranks(int size, std::int64_t n) {
  return for_ranks(size, [&](int rank) { return numbers(rank, n); });
}

constexpr PlanLimits kSmall{
    .gathered_bytes = 64, .tiny_bytes = 8, .tree_bytes = 64, .step_bytes = 512};
constexpr std::int64_t kLengths[] = {1, 2, 5, 64, 65, 333};

TEST(Plan, AllReduceSumsOnEveryRankForAnyCountAndLength) {
  for (int size = 2; size <= 7; ++size)
    for (const std::int64_t n : kLengths) {
      const std::vector<Tensor> x = numbers_of_ranks(size, n);
      Simulation simulation(
          for_ranks(
              size,
              [&](int rank) { return plan_all_reduce(rank, size, x[rank], Reduce::kSum, kSmall); }),
          static_cast<std::uint64_t>(n));
      ASSERT_TRUE(simulation.run()) << size << " ranks, " << n << " elements";
      for (int rank = 0; rank < size; ++rank)
        for (std::int64_t i = 0; i < n; ++i)
          ASSERT_EQ(x[rank].data<std::int64_t>()[i], size * 1000 * i + size * (size - 1) / 2)
              << size << " ranks, " << n << " elements, rank " << rank << ", element " << i;
    }
}

TEST(Plan, AllReduceSendsTwiceTheTensorOnceItIsLarge) {
  constexpr int kRanks = 4;
  constexpr std::int64_t kElements = 1 << 20;
  std::vector<Tensor> x(kRanks, Tensor::zeros({kElements}));
  for (Tensor& tensor : x) tensor = tensor.clone();
  Simulation simulation(
      for_ranks(kRanks,
                [&](int rank) { return plan_all_reduce(rank, kRanks, x[rank], Reduce::kSum); }),
      1);
  ASSERT_TRUE(simulation.run());
  for (int rank = 0; rank < kRanks; ++rank)
    EXPECT_EQ(simulation.bytes_sent(rank), 2 * x[0].bytes() * (kRanks - 1) / kRanks);
}

TEST(Plan, AllReduceBorrowsNoMoreThanAStep) {
  const Plan plan = plan_all_reduce(0, 4, Tensor::zeros({1 << 22}), Reduce::kSum);
  EXPECT_LE(plan.borrowed, PlanLimits{}.step_bytes + 64);
  for (const Tensor& tensor : plan.tensors) EXPECT_EQ(tensor.bytes(), sizeof(float) << 22);
}

TEST(Plan, ReduceScatterLeavesEachRankItsPart) {
  for (int size = 2; size <= 6; ++size)
    for (const std::int64_t n : kLengths) {
      const std::vector<Tensor> all = numbers_of_ranks(size, n * size);
      const std::vector<Tensor> mine = numbers_of_ranks(size, n);
      Simulation simulation(for_ranks(size,
                                      [&](int rank) {
                                        return plan_reduce_scatter(rank, size, all[rank],
                                                                   mine[rank], Reduce::kMax,
                                                                   kSmall);
                                      }),
                            static_cast<std::uint64_t>(n));
      ASSERT_TRUE(simulation.run());
      for (int rank = 0; rank < size; ++rank)
        for (std::int64_t i = 0; i < n; ++i)
          ASSERT_EQ(mine[rank].data<std::int64_t>()[i], 1000 * (rank * n + i) + size - 1);
    }
}

TEST(Plan, BroadcastReachesAllFromAnyRoot) {
  for (int size = 2; size <= 6; ++size)
    for (int root = 0; root < size; ++root)
      for (const std::int64_t n : kLengths) {
        const std::vector<Tensor> x = numbers_of_ranks(size, n);
        Simulation simulation(
            for_ranks(size,
                      [&](int rank) { return plan_broadcast(rank, size, x[rank], root, kSmall); }),
            static_cast<std::uint64_t>(n));
        ASSERT_TRUE(simulation.run());
        for (int rank = 0; rank < size; ++rank)
          ASSERT_EQ(x[rank].to_vector<std::int64_t>(), numbers(root, n).to_vector<std::int64_t>());
      }
}

TEST(Plan, LargeBroadcastSendsLessThanTwiceTheTensorFromTheRoot) {
  constexpr int kRanks = 6;
  const std::vector<Tensor> x = numbers_of_ranks(kRanks, 6000);
  Simulation simulation(
      for_ranks(kRanks, [&](int rank) { return plan_broadcast(rank, kRanks, x[rank], 2, kSmall); }),
      1);
  ASSERT_TRUE(simulation.run());
  EXPECT_LT(simulation.bytes_sent(2), 2 * x[0].bytes());
}

TEST(Plan, AllToAllTransposesParts) {
  constexpr int kRanks = 5;
  constexpr std::int64_t kPart = 3;
  const std::vector<Tensor> from = numbers_of_ranks(kRanks, kPart * kRanks);
  const std::vector<Tensor> to = numbers_of_ranks(kRanks, kPart * kRanks);
  Simulation simulation(
      for_ranks(kRanks,
                [&](int rank) { return plan_all_to_all(rank, kRanks, from[rank], to[rank]); }),
      3);
  ASSERT_TRUE(simulation.run());
  for (int rank = 0; rank < kRanks; ++rank)
    for (int q = 0; q < kRanks; ++q)
      for (std::int64_t i = 0; i < kPart; ++i)
        EXPECT_EQ(to[rank].data<std::int64_t>()[q * kPart + i], 1000 * (rank * kPart + i) + q);
}

TEST(Plan, MessagesOfARingMeetWhateverTheirOrder) {
  constexpr int kRanks = 5;
  const std::vector<Tensor> from = numbers_of_ranks(kRanks, 40);
  const std::vector<Tensor> to = numbers_of_ranks(kRanks, 40);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const Tensor& x : to) x.fill_zero();
    Simulation simulation(
        for_ranks(
            kRanks,
            [&](int rank) {
              Plan plan = plan_messages(false, {{(rank + kRanks - 1) % kRanks, to[rank]}});
              plan.rounds[0].moves.push_back(
                  plan_messages(true, {{(rank + 1) % kRanks, from[rank]}}).rounds[0].moves[0]);
              return plan;
            }),
        seed);
    ASSERT_TRUE(simulation.run());
    for (int rank = 0; rank < kRanks; ++rank)
      EXPECT_EQ(to[rank].to_vector<std::int64_t>(),
                from[(rank + kRanks - 1) % kRanks].to_vector<std::int64_t>());
  }
}

TEST(Plan, BarrierEndsForNobodyBeforeAllHaveBegun) {
  std::vector<Plan> plans = for_ranks(3, [](int rank) { return plan_barrier(rank, 3); });
  for (Round& round : plans[2].rounds)
    std::erase_if(round.moves, [](const Move& move) { return move.outgoing; });
  EXPECT_FALSE(Simulation(std::move(plans), 1).run());  // rank 2 never says that it is there
  EXPECT_TRUE(Simulation(for_ranks(3, [](int rank) { return plan_barrier(rank, 3); }), 1).run());
}

}  // namespace
}  // namespace muybridge
