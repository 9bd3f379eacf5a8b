#include "parallel/host/operation.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

namespace muybridge {
namespace {

// A network at which nothing is ever seen; what a waiter's looks do is up to the test.
class TestProgress final : public Progress {
 public:
  Look look() override {
    ++looks;
    return on_look ? on_look() : Look::kQuiet;
  }
  void hand_over() override { ++hand_overs; }

  std::function<Look()> on_look;
  std::atomic<int> looks{0};
  std::atomic<int> hand_overs{0};
};

TEST(OperationResult, TheWaitingThreadLooksItself) {
  const auto progress = std::make_shared<TestProgress>();
  OperationResult result(progress);
  progress->on_look = [&] {
    EXPECT_EQ(progress->looking, 1);
    if (progress->looks == 5) result.succeed();
    return Progress::Look::kQuiet;
  };
  result.wait();
  EXPECT_EQ(progress->looks, 5);
  EXPECT_EQ(progress->looking, 0);
  result.wait();
  EXPECT_EQ(progress->looks, 5) << "it is over";
}

TEST(OperationResult, WaitReturnsWhenAnotherThreadSucceeds) {
  const auto progress = std::make_shared<TestProgress>();
  OperationResult result(progress);
  EXPECT_FALSE(result.done());
  std::thread other([&] {
    while (progress->waiting == 0) std::this_thread::yield();
    result.succeed();
  });
  result.wait();
  other.join();
  EXPECT_TRUE(result.done());
  EXPECT_EQ(progress->waiting, 0);
  EXPECT_EQ(progress->hand_overs, 1) << "before it slept, others were asked to look";
}

TEST(OperationResult, EveryWaitThrowsTheFailure) {
  OperationResult result(std::make_shared<TestProgress>());
  result.fail(ExitCode::kRankLost, "rank 3 is lost");
  for (int i = 0; i < 2; ++i) {
    try {
      result.wait();
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kRankLost);
      EXPECT_STREQ(error.what(), "rank 3 is lost");
    }
  }
}

TEST(OperationResult, TheFirstEndStands) {
  OperationResult result(std::make_shared<TestProgress>());
  result.succeed();
  result.fail(ExitCode::kRankLost, "too late");
  EXPECT_NO_THROW(result.wait());
}

// A thread stuck in the network neither beats nor watches the time; the waiter must not hang.
TEST(OperationResult, WaitGivesUpOnAThreadThatDoesNotBeat) {
  const auto progress = std::make_shared<TestProgress>();
  progress->time_limit_seconds = -29;  // with the grace of 30 seconds: one
  OperationResult result(progress);
  try {
    result.wait();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kRankLost);
  }
}

}  // namespace
}  // namespace muybridge
