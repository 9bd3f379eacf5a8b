#include "parallel/operation.h"

#include <gtest/gtest.h>

#include <thread>

namespace muybridge {
namespace {

TEST(OperationResult, WaitReturnsWhenAnotherThreadSucceeds) {
  const auto pulse = std::make_shared<Pulse>();
  OperationResult result(pulse);
  EXPECT_FALSE(result.done());
  std::thread other([&] {
    while (pulse->waiting == 0) std::this_thread::yield();
    result.succeed();
  });
  result.wait();
  other.join();
  EXPECT_TRUE(result.done());
  EXPECT_EQ(pulse->waiting, 0);
}

TEST(OperationResult, EveryWaitThrowsTheFailure) {
  OperationResult result(std::make_shared<Pulse>());
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
  OperationResult result(std::make_shared<Pulse>());
  result.succeed();
  result.fail(ExitCode::kRankLost, "too late");
  EXPECT_NO_THROW(result.wait());
}

// A thread stuck in the network neither beats nor watches the time; the waiter must not hang.
TEST(OperationResult, WaitGivesUpOnAThreadThatDoesNotBeat) {
  const auto pulse = std::make_shared<Pulse>();
  pulse->time_limit_seconds = -29;  // with the grace of 30 seconds: one
  OperationResult result(pulse);
  try {
    result.wait();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kRankLost);
  }
}

}  // namespace
}  // namespace muybridge
