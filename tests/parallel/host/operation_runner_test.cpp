#include "parallel/host/operation_runner.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace muybridge {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

// A network whose messages are over when the test says so.
class HandTransport final : public Transport {
 public:
  int rank() const override { return 0; }
  int size() const override { return 9; }
  int largest_tag() const override { return 1 << 20; }
  const Neighbours& neighbours() const override { return around; }
  void progress() override {}
  std::unique_ptr<Transfer> post(const Message& message) override {
    posted.push_back(message);
    return std::make_unique<HandTransfer>(*this, posted.size() - 1);
  }
  void close() override {}
  void abort(int) override {}

  std::vector<Message> posted;
  std::set<std::size_t> over;
  Neighbours around;  // nobody, unless the test says so

 private:
  class HandTransfer final : public Transfer {
   public:
    HandTransfer(HandTransport& transport, std::size_t index)
        : transport_(transport), index_(index) {}
    bool done() override { return transport_.over.contains(index_); }

   private:
    HandTransport& transport_;
    std::size_t index_;
  };
};

class NobodyLooks final : public Progress {
  Look look() override { return Look::kQuiet; }
  void hand_over() override {}
};

class OperationRunnerTest : public ::testing::Test {
 protected:
  std::shared_ptr<OperationResult> admit(bool ordered, int context, std::size_t moves = 1,
                                         std::size_t rounds = 1) {
    const Tensor x = Tensor::zeros({64});
    Plan plan{.rounds = std::vector<Round>(rounds), .tensors = {x}};
    for (Round& round : plan.rounds) {
      for (std::size_t i = 0; i < moves; ++i)
        round.moves.push_back(
            {true, static_cast<int>(i) + 1, static_cast<std::byte*>(x.raw()), 0, 4});
      round.then = [this](std::byte*) { ++rounds_over_; };
    }
    auto members = std::make_shared<GroupMembers>(
        GroupMembers{.name = "tensor", .rank = 0, .ranks = {0, 7, 8}, .context = context});
    auto result = std::make_shared<OperationResult>(std::make_shared<NobodyLooks>());
    runner_.admit({.what = "all_reduce",
                   .bytes = x.bytes(),
                   .members = members,
                   .ordered = ordered,
                   .plan = std::move(plan),
                   .result = result},
                  now_);
    return result;
  }
  bool advance() { return runner_.advance(now_, seconds(10)); }

  HandTransport network_;
  OperationRunner runner_{network_};
  OperationRunner::Time now_{};
  int rounds_over_ = 0;
};

TEST_F(OperationRunnerTest, OrderedOperationsOfAGroupRunOneAtATime) {
  const auto first = admit(true, 3);
  const auto second = admit(true, 3);
  advance();
  ASSERT_EQ(network_.posted.size(), 1U);
  network_.over = {0};
  EXPECT_TRUE(advance());
  EXPECT_TRUE(first->done());
  advance();
  ASSERT_EQ(network_.posted.size(), 2U);
  EXPECT_FALSE(second->done());
  network_.over = {0, 1};
  advance();
  EXPECT_TRUE(second->done());
  EXPECT_TRUE(runner_.idle());
}

TEST_F(OperationRunnerTest, GroupsAndUnorderedOperationsRunSideBySide) {
  admit(true, 3);
  admit(true, 4);
  admit(false, 3);
  admit(false, 3);
  advance();
  EXPECT_EQ(network_.posted.size(), 4U);
}

TEST_F(OperationRunnerTest, RingsForWhomItSendsToAndWhoseLongMessageHasArrived) {
  std::uint32_t word = 0;
  network_.around.segments.assign(9, nullptr);
  network_.around.segments[7] = reinterpret_cast<std::byte*>(&word);
  const auto rang = [&] {
    return Bell(&word).sleep(Bell::For::kAll, std::chrono::milliseconds(1));
  };
  const auto post = [&](bool outgoing, int peer, std::int64_t floats) {
    runner_.admit({.what = "message",
                   .bytes = 0,
                   .members = std::make_shared<GroupMembers>(
                       GroupMembers{.name = "tensor", .rank = 0, .ranks = {0, 7, 8}, .context = 3}),
                   .ordered = false,
                   .plan = plan_messages(outgoing, {{peer, Tensor::zeros({floats})}}),
                   .result = std::make_shared<OperationResult>(std::make_shared<NobodyLooks>())},
                  now_);
    advance();
  };
  const auto end_last = [&] {
    network_.over.insert(network_.posted.size() - 1);
    advance();
  };
  post(/*outgoing=*/true, 1, 1);
  EXPECT_TRUE(rang());
  post(/*outgoing=*/false, 1, 2000);
  EXPECT_FALSE(rang());
  end_last();
  EXPECT_TRUE(rang());
  post(/*outgoing=*/false, 1, 10);
  end_last();
  EXPECT_FALSE(rang()) << "its sender has nothing left to do";
  EXPECT_FALSE(runner_.unheard());
  post(/*outgoing=*/false, 2, 10);
  EXPECT_TRUE(runner_.unheard()) << "rank 8 is on another machine";
  end_last();
  EXPECT_FALSE(runner_.unheard());
}

TEST_F(OperationRunnerTest, ARoundBeginsWhenTheOneBeforeIsOver) {
  const auto result = admit(true, 1, /*moves=*/2, /*rounds=*/2);
  advance();
  EXPECT_EQ(network_.posted.size(), 2U);
  network_.over = {1};
  advance();
  EXPECT_EQ(rounds_over_, 0);
  network_.over = {0, 1};
  advance();
  EXPECT_EQ(rounds_over_, 1);
  EXPECT_EQ(network_.posted.size(), 4U);
  EXPECT_FALSE(result->done());
}

TEST_F(OperationRunnerTest, MessagesGoToTheGroupsRanksUnderItsOwnTag) {
  admit(true, 5, /*moves=*/2);
  admit(true, 6);
  advance();
  admit(false, 6);
  advance();
  ASSERT_EQ(network_.posted.size(), 4U);
  EXPECT_EQ(network_.posted[0].peer, 7);
  EXPECT_EQ(network_.posted[1].peer, 8);
  EXPECT_EQ(network_.posted[0].tag, network_.posted[1].tag);
  EXPECT_NE(network_.posted[0].tag, network_.posted[2].tag);
  EXPECT_NE(network_.posted[2].tag, network_.posted[3].tag) << "of an exchange";
}

TEST_F(OperationRunnerTest, ASilentRankIsLostAfterTheTimeLimitAndNamed) {
  admit(true, 1, /*moves=*/2);
  advance();
  network_.over = {0};
  now_ += seconds(9);
  EXPECT_TRUE(advance());  // half of it moved: the limit counts from here
  now_ += seconds(9);
  EXPECT_FALSE(advance());
  now_ += seconds(2);
  try {
    advance();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kRankLost);
    const std::string text = error.what();
    EXPECT_NE(text.find("all_reduce of 256 bytes in group 'tensor' (rank 0 of 3)"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("rank 8 "), std::string::npos) << text;
  }
}

TEST_F(OperationRunnerTest, TheTimeLimitOfAWaitingOperationBeginsWithItsTurn) {
  admit(true, 1);
  admit(true, 1);
  advance();
  now_ += seconds(9);
  network_.over = {0};
  advance();
  advance();
  now_ += seconds(9);
  EXPECT_NO_THROW(advance());
  now_ += seconds(2);
  EXPECT_THROW(advance(), Error);
}

TEST_F(OperationRunnerTest, AFailureEndsAllOperationsAndKeepsTheirTensors) {
  const auto first = admit(true, 1);
  const auto second = admit(true, 1);
  const auto third = admit(false, 2);
  advance();
  runner_.fail_all(ExitCode::kRankLost, "rank 7 is lost");
  for (const auto& result : {first, second, third}) {
    ASSERT_TRUE(result->done());
    EXPECT_THROW(result->wait(), Error);
  }
  EXPECT_TRUE(runner_.idle());
}

TEST(PauseAfter, SpinsOnlyBrieflyAndOnlyWhenSomebodyWaits) {
  EXPECT_EQ(pause_after(microseconds(0), true, false), microseconds(0));
  EXPECT_GT(pause_after(microseconds(0), false, false), microseconds(0));
  EXPECT_GT(pause_after(microseconds(1000), true, false), microseconds(0));
  EXPECT_LE(pause_after(seconds(100), true, false), microseconds(1000));
  EXPECT_EQ(pause_after(microseconds(4000), false, false), microseconds(500));
  EXPECT_LE(pause_after(microseconds(0), false, false), microseconds(50));
}

TEST(PauseAfter, LooksOftenOnlyWhereSomebodyWaitsForWhatNoBellTells) {
  EXPECT_EQ(pause_after(seconds(1), true, true), microseconds(200));
  EXPECT_EQ(pause_after(seconds(1), true, false), microseconds(1000));
  EXPECT_EQ(pause_after(seconds(1), false, true), microseconds(1000));
}

}  // namespace
}  // namespace muybridge
