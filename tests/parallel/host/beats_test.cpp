#include "parallel/host/beats.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
#include <set>

namespace muybridge {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Ranks whose messages arrive at once, unless the sender or the receiver is cut off.
class Network {
 public:
  class Node final : public Transport {
   public:
    Node(Network& network, int rank) : network_(network), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return static_cast<int>(network_.nodes_.size()); }
    int largest_tag() const override { return 99; }
    const Neighbours& neighbours() const override { return nobody_; }
    void progress() override {}
    std::unique_ptr<Transfer> post(const Message& message) override {
      EXPECT_EQ(message.tag, 99);
      if (message.outgoing && !network_.cut.contains(rank_)) {
        ++network_.messages;
        network_.boxes_[{rank_, message.peer}].emplace_back(message.data,
                                                            message.data + message.bytes);
      }
      return std::make_unique<InFlight>(network_, rank_, message);
    }
    void close() override {}
    void abort(int) override {}

   private:
    Network& network_;
    int rank_;
    Neighbours nobody_;
  };

  explicit Network(int ranks) {
    for (int rank = 0; rank < ranks; ++rank) nodes_.push_back(nullptr);
    for (int rank = 0; rank < ranks; ++rank) nodes_[rank] = std::make_unique<Node>(*this, rank);
  }
  Transport& node(int rank) { return *nodes_[static_cast<std::size_t>(rank)]; }

  std::set<int> cut;
  int messages = 0;

 private:
  struct InFlight final : Transfer {
    InFlight(Network& of, int rank, const Message& what) : network(of), own(rank), message(what) {}
    bool done() override {
      if (message.outgoing) return true;
      auto& box = network.boxes_[{message.peer, own}];
      if (box.empty()) return false;
      std::memcpy(message.data, box.front().data(), message.bytes);
      box.pop_front();
      return true;
    }
    Network& network;
    int own;
    Message message;
  };
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<std::pair<int, int>, std::deque<std::vector<std::byte>>> boxes_;
};

class Job {
 public:
  explicit Job(int ranks) : network_(ranks) {
    for (int rank = 0; rank < ranks; ++rank) {
      beats_.push_back(std::make_unique<Beats>(network_.node(rank), 10, now_));
      busy_.push_back({.rank = rank, .patience = 60});
    }
  }
  // All ranks but those that are cut off tend to theirs, again and again.
  void run(double for_seconds) {
    const auto end = now_ + std::chrono::duration<double>(for_seconds);
    for (; now_ < end; now_ += milliseconds(100))
      for (std::size_t rank = 0; rank < beats_.size(); ++rank)
        if (!network_.cut.contains(static_cast<int>(rank))) loss(static_cast<int>(rank));
  }
  std::optional<Loss> loss(int rank) {
    const auto index = static_cast<std::size_t>(rank);
    return beats_[index]->tend(now_, busy_[index]);
  }
  Beats& beats(int rank) { return *beats_[static_cast<std::size_t>(rank)]; }
  Busy& busy(int rank) { return busy_[static_cast<std::size_t>(rank)]; }
  Network& network() { return network_; }

 private:
  Network network_;
  Beats::Time now_{};
  std::vector<std::unique_ptr<Beats>> beats_;
  std::vector<Busy> busy_;
};

TEST(Beats, WatchingIsMutualAndEverybodyIsReached) {
  for (const int size : {1, 2, 5, 64, 1024}) {
    std::set<int> reached{0};
    for (int rank = 0; rank < size; ++rank)
      for (const int other : watched_by(rank, size)) {
        const std::vector<int> back = watched_by(other, size);
        EXPECT_NE(std::find(back.begin(), back.end(), rank), back.end()) << rank << " " << other;
        if (reached.contains(rank)) reached.insert(other);
      }
    EXPECT_EQ(static_cast<int>(reached.size()), size);
  }
}

TEST(Beats, ARankOfAThousandSendsAtMostFiveMessagesASecond) {
  Job job(1024);
  job.run(20);
  EXPECT_LE(job.network().messages, 21 * 2 * 1023);
  for (int rank = 0; rank < 1024; ++rank) EXPECT_LE(watched_by(rank, 1024).size(), 5U);
}

TEST(Beats, WhileAllLiveNobodyIsLost) {
  Job job(30);
  job.run(100);
  for (int rank = 0; rank < 30; ++rank) EXPECT_FALSE(job.loss(rank)) << rank;
}

TEST(Beats, AllOthersHearOfASilentRankOnBothSidesOfIt) {
  for (const int lost : {0, 1, 7, 29}) {
    Job job(30);
    job.run(3);
    job.network().cut = {lost};
    job.run(8.5);
    for (int rank = 0; rank < 30; ++rank)
      EXPECT_TRUE(rank == lost || !job.loss(rank)) << "too early on " << rank;
    job.run(3.5);
    for (int rank = 0; rank < 30; ++rank) {
      if (rank == lost) continue;
      const std::optional<Loss> loss = job.loss(rank);
      ASSERT_TRUE(loss) << "rank " << rank << " without " << lost;
      EXPECT_EQ(loss->kind, Loss::Kind::kSilent);
      EXPECT_EQ(loss->rank, lost);
      EXPECT_EQ(loss->seconds, 10);
    }
  }
}

TEST(Beats, AProcessThatWasStoppedItselfBlamesNobody) {
  Job job(3);
  job.run(3);
  job.network().cut = {1};
  job.run(8);  // within the limit of the others
  job.network().cut = {};
  EXPECT_FALSE(job.loss(1));
  job.run(5);
  for (int rank = 0; rank < 3; ++rank) EXPECT_FALSE(job.loss(rank)) << rank;
}

TEST(Beats, EveryRankKnowsTheBusiestByTheShareOfItsPatience) {
  Job job(30);
  job.busy(29) = {.rank = 29, .section = Section::kCompute, .seconds = 50, .patience = 60};
  job.busy(3) = {.rank = 3, .section = Section::kEvaluation, .seconds = 90, .patience = 600};
  job.run(8);
  for (int rank = 0; rank < 30; ++rank) {
    EXPECT_EQ(job.beats(rank).busiest().rank, 29) << rank;
    EXPECT_EQ(job.beats(rank).busiest().section, Section::kCompute);
  }
  job.busy(29).seconds = 0;  // it is busy no longer
  job.run(8);
  for (int rank = 0; rank < 30; ++rank) EXPECT_EQ(job.beats(rank).busiest().rank, 3) << rank;
}

TEST(Beats, WhatOneRankTellsAllHearAndTheFirstLossStays) {
  Job job(30);
  job.run(3);
  job.beats(29).spread({.kind = Loss::Kind::kHung, .rank = 4, .reporter = 29, .seconds = 61});
  job.beats(29).spread({.kind = Loss::Kind::kSilent, .rank = 5, .reporter = 29, .seconds = 10});
  job.run(1);
  for (int rank = 0; rank < 30; ++rank) {
    ASSERT_TRUE(job.loss(rank)) << rank;
    EXPECT_EQ(job.loss(rank)->kind, Loss::Kind::kHung) << rank;
    EXPECT_EQ(job.loss(rank)->rank, 4) << rank;
  }
}

TEST(Beats, AfterTheLastOnesNothingIsUnderWayAndNobodyIsMissed) {
  Job job(7);
  job.run(3);
  for (int rank = 0; rank < 6; ++rank) job.beats(rank).leave();
  job.run(5);
  EXPECT_FALSE(job.beats(1).over()) << "a neighbour is still there";
  job.beats(6).leave();
  job.run(1);
  for (int rank = 0; rank < 7; ++rank) EXPECT_TRUE(job.beats(rank).over()) << rank;
  const int messages = job.network().messages;
  job.run(60);
  EXPECT_EQ(job.network().messages, messages);
  for (int rank = 0; rank < 7; ++rank) EXPECT_FALSE(job.loss(rank)) << rank;
}

TEST(Beats, ALossIsTold) {
  const std::vector<std::string> hosts = {"node-a", "node-b"};
  EXPECT_NE(describe({.kind = Loss::Kind::kSilent, .rank = 1, .seconds = 60}, hosts)
                .find("rank 1 on node-b: no sign of life for 60 s"),
            std::string::npos);
  EXPECT_NE(
      describe(
          {.kind = Loss::Kind::kHung, .section = Section::kOptimizer, .rank = 0, .seconds = 61.2},
          hosts)
          .find("rank 0 on node-a: it hangs in the optimizer, 61.2 s"),
      std::string::npos);
  EXPECT_NE(describe({.kind = Loss::Kind::kSilent, .rank = 7, .seconds = 60}, {}).find("rank 7:"),
            std::string::npos);
}

}  // namespace
}  // namespace muybridge
