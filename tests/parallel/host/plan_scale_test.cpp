// What the plans of up to 1,024 ranks send, counted from the plans alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "parallel/host/plan_levels.h"

namespace muybridge {
namespace {

struct Traffic {
  std::size_t messages = 0;  // sent by the rank that sends most
  std::size_t bytes = 0;     // the same
  int rounds = 0;            // that follow from one another, over all ranks
};

// Matches every send with its receive, the n-th of a pair of ranks with the n-th, and lets a
// message take one unit of time from when both have posted theirs: nothing is buffered.
class Count {
 public:
  explicit Count(const std::vector<Plan>& plans) : plans_(plans) {
    for (std::size_t rank = 0; rank < plans.size(); ++rank) post(static_cast<int>(rank));
  }

  // Nothing where a message has no other half of the same size, or the ranks get stuck.
  std::optional<Traffic> traffic() {
    Traffic traffic;
    for (const Plan& plan : plans_) {
      std::size_t messages = 0;
      std::size_t bytes = 0;
      for (const Round& round : plan.rounds)
        for (const Move& move : round.moves)
          if (move.outgoing) {
            ++messages;
            bytes += move.bytes;
          }
      traffic.messages = std::max(traffic.messages, messages);
      traffic.bytes = std::max(traffic.bytes, bytes);
    }
    for (const auto& [pair, line] : lines_) {
      if (line.sent.size() != line.received.size()) return std::nullopt;
      for (std::size_t i = 0; i < line.sent.size(); ++i)
        if (line.sent[i].bytes != line.received[i].bytes) return std::nullopt;
    }
    std::size_t rounds_left = 0;
    for (const Plan& plan : plans_) rounds_left += plan.rounds.size();
    for (bool moved = true; moved && rounds_left > 0;) {
      moved = false;
      for (std::size_t rank = 0; rank < plans_.size(); ++rank)
        while (end_round(rank)) {
          moved = true;
          --rounds_left;
          traffic.rounds = std::max(traffic.rounds, begins_[rank].back());
        }
    }
    return rounds_left == 0 ? std::optional(traffic) : std::nullopt;
  }

 private:
  struct Half {
    std::size_t bytes;
    std::size_t round;
  };
  struct Line {
    std::vector<Half> sent, received;
  };

  void post(int rank) {
    const Plan& plan = plans_[static_cast<std::size_t>(rank)];
    for (std::size_t round = 0; round < plan.rounds.size(); ++round)
      for (const Move& move : plan.rounds[round].moves) {
        Line& line =
            lines_[move.outgoing ? std::pair(rank, move.peer) : std::pair(move.peer, rank)];
        std::vector<Half>& halves = move.outgoing ? line.sent : line.received;
        halves.push_back({move.bytes, round});
        places_[static_cast<std::size_t>(rank)].push_back(halves.size() - 1);
      }
  }

  // When the rank's present round ends, if all its peers have begun theirs.
  bool end_round(std::size_t rank) {
    const Plan& plan = plans_[rank];
    const std::size_t round = begins_[rank].size() - 1;
    if (round == plan.rounds.size()) return false;
    int end = begins_[rank].back();
    std::size_t place = next_[rank];
    for (const Move& move : plan.rounds[round].moves) {
      const auto self = static_cast<int>(rank);
      const Line& line =
          lines_.at(move.outgoing ? std::pair(self, move.peer) : std::pair(move.peer, self));
      const std::size_t which = places_[rank][place++];
      const std::size_t other = move.outgoing ? line.received[which].round : line.sent[which].round;
      const std::vector<int>& begins = begins_[static_cast<std::size_t>(move.peer)];
      if (other >= begins.size()) return false;
      end = std::max({end, begins_[rank].back() + 1, begins[other] + 1});
    }
    next_[rank] = place;
    begins_[rank].push_back(end);
    return true;
  }

  const std::vector<Plan>& plans_;
  std::map<std::pair<int, int>, Line> lines_;
  std::vector<std::vector<std::size_t>> places_ =  // of a rank's moves in their lines
      std::vector<std::vector<std::size_t>>(plans_.size());
  std::vector<std::size_t> next_ = std::vector<std::size_t>(plans_.size());
  std::vector<std::vector<int>> begins_ =  // of a rank's rounds, and the end of the last
      std::vector<std::vector<int>>(plans_.size(), std::vector<int>{0});
};

template <class Make>
Traffic traffic_of(int size, const Make& make) {
  std::vector<Plan> plans;
  plans.reserve(static_cast<std::size_t>(size));
  for (int rank = 0; rank < size; ++rank) plans.push_back(make(rank));
  const std::optional<Traffic> traffic = Count(plans).traffic();
  EXPECT_TRUE(traffic.has_value()) << size << " ranks: a message without its other half, or stuck";
  return traffic.value_or(Traffic{});
}

int doublings(int size) { return std::bit_width(static_cast<unsigned>(size - 1)); }

constexpr int kSizes[] = {2, 3, 4, 5, 7, 8, 13, 64, 100, 777, 1000, 1024};

TEST(PlanScale, SmallOperationsTakeAMessageADoubling) {
  for (const int size : kSizes) {
    const Tensor x = Tensor::zeros({1});
    const Tensor kilobyte = Tensor::zeros({256});
    const auto log2 = static_cast<std::size_t>(doublings(size));
    const auto expect = [&](const char* what, const Traffic& traffic) {
      EXPECT_LE(traffic.messages, log2) << what << ", " << size << " ranks";
      EXPECT_LE(traffic.rounds, doublings(size)) << what << ", " << size << " ranks";
    };
    expect("barrier", traffic_of(size, [&](int rank) { return plan_barrier(rank, size); }));
    for (const Tensor& tensor : {x, kilobyte})
      expect("all_reduce", traffic_of(size, [&](int rank) {
               return plan_all_reduce(rank, size, tensor, Reduce::kSum);
             }));
    for (const int root : {0, size - 1, size / 2})
      expect("broadcast", traffic_of(size, [&](int rank) {
               return plan_broadcast(rank, size, kilobyte, root);
             }));
  }
}

// What passes the last rank goes as two messages.
TEST(PlanScale, GatheringTakesAtMostTwoMessagesADoublingAndSendsNothingTwice) {
  for (const int size : kSizes) {
    const Tensor mine = Tensor::zeros({16});
    const Tensor all = Tensor::zeros({size, 16});
    const Traffic traffic =
        traffic_of(size, [&](int rank) { return plan_all_gather(rank, size, mine, all); });
    EXPECT_LE(traffic.messages, 2U * static_cast<std::size_t>(doublings(size)));
    EXPECT_EQ(traffic.rounds, doublings(size));
    EXPECT_EQ(traffic.bytes, mine.bytes() * static_cast<std::size_t>(size - 1));
  }
}

TEST(PlanScale, ALargeBroadcastSendsAtMostTwiceTheTensorInTwoMessagesADoublingEachWay) {
  for (const int size : kSizes) {
    const Tensor x = Tensor::zeros({1 << 18});
    for (const int root : {0, size - 1, size / 2}) {
      const Traffic traffic =
          traffic_of(size, [&](int rank) { return plan_broadcast(rank, size, x, root); });
      EXPECT_LE(traffic.messages, 4U * static_cast<std::size_t>(doublings(size)));
      EXPECT_LE(traffic.rounds, 2 * doublings(size));
      EXPECT_LE(traffic.bytes, 2 * x.bytes());
    }
  }
}

TEST(PlanScale, AMessageOfTheWrongSizeOrTooManyIsNoticed) {
  const Tensor x = Tensor::zeros({4});
  std::vector<Plan> plans;
  for (int rank = 0; rank < 3; ++rank) plans.push_back(plan_all_reduce(rank, 3, x, Reduce::kSum));
  Move& move = plans[1].rounds[0].moves[0];
  --move.bytes;
  EXPECT_FALSE(Count(plans).traffic().has_value());
  ++move.bytes;
  EXPECT_TRUE(Count(plans).traffic().has_value());
  plans[1].rounds[0].moves.push_back(move);
  EXPECT_FALSE(Count(plans).traffic().has_value());
}

TEST(PlanScale, RanksThatWaitForEachOtherAreNoticed) {
  const Tensor x = Tensor::zeros({1});
  std::vector<Plan> plans(2);
  for (int rank = 0; rank < 2; ++rank) {
    Plan& plan = plans[static_cast<std::size_t>(rank)];
    plan = plan_messages(false, {{1 - rank, x}});
    plan.rounds.push_back(plan_messages(true, {{1 - rank, x}}).rounds[0]);
  }
  EXPECT_FALSE(Count(plans).traffic().has_value());
}

// 128 machines of 8 ranks: a rank talks to those of its place on the other machines.
class PlanScaleInLevels : public ::testing::Test {
 protected:
  static constexpr int kMachines = 128;
  static constexpr int kWidth = 8;

  static Levels levels_of(int rank) {
    const int machine = rank / kWidth;
    Levels levels{
        .window = std::make_shared<Window>(rank % kWidth, std::vector<std::byte*>(kWidth, nullptr)),
        .local = {},
        .machine = machine,
        .across = {},
        .all = {}};
    for (int q = 0; q < kWidth; ++q) levels.local.push_back(machine * kWidth + q);
    for (int m = 0; m < kMachines; ++m) levels.across.push_back(m * kWidth + rank % kWidth);
    for (int q = 0; q < kMachines * kWidth; ++q) levels.all.push_back(q);
    return levels;
  }
};

TEST_F(PlanScaleInLevels, AllReduceSendsTwoMessagesToEachOtherMachine) {
  const Tensor x = Tensor::zeros({1 << 20});
  const Traffic traffic = traffic_of(kMachines * kWidth, [&](int rank) {
    return plan_all_reduce(levels_of(rank), x, Reduce::kSum);
  });
  EXPECT_EQ(traffic.messages, 2U * (kMachines - 1));
  EXPECT_EQ(traffic.bytes, 2 * x.bytes() / kWidth * (kMachines - 1) / kMachines);
  EXPECT_EQ(traffic.rounds, 2);
}

TEST_F(PlanScaleInLevels, AllGatherSendsOneMessageToEachOtherMachine) {
  const Tensor mine = Tensor::zeros({256});
  const Tensor all = Tensor::zeros({kMachines * kWidth, 256});
  const Traffic traffic = traffic_of(
      kMachines * kWidth, [&](int rank) { return plan_all_gather(levels_of(rank), mine, all); });
  EXPECT_EQ(traffic.messages, kMachines - 1U);
  EXPECT_EQ(traffic.rounds, 1);
}

}  // namespace
}  // namespace muybridge
