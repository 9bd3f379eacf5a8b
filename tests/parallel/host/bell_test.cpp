#include "parallel/host/bell.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace muybridge {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr seconds kForEver{60};  // what no test may take

class BellTest : public ::testing::Test {
 protected:
  // Memory that a child process sees, too.
  void SetUp() override {
    memory_ = static_cast<std::uint32_t*>(
        mmap(nullptr, Bell::kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(memory_, MAP_FAILED);
    bell_ = Bell(memory_);
  }
  void TearDown() override { munmap(memory_, Bell::kBytes); }

  double seconds_asleep(Bell::For whom, std::chrono::microseconds time) const {
    const auto begin = Clock::now();
    bell_.sleep(whom, time);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  std::uint32_t* memory_ = nullptr;
  Bell bell_;
};

TEST_F(BellTest, ARingBeforeTheSleepEndsItAndNoOther) {
  bell_.ring();
  EXPECT_LT(seconds_asleep(Bell::For::kOwn, kForEver), 10);
  EXPECT_GE(seconds_asleep(Bell::For::kOwn, milliseconds(20)), 0.02);
  bell_.ring_for_neighbour();
  EXPECT_LT(seconds_asleep(Bell::For::kAll, kForEver), 10);
  EXPECT_GE(seconds_asleep(Bell::For::kAll, milliseconds(20)), 0.02);
}

TEST_F(BellTest, AnotherProcessWakesWhoSleepsForAll) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (int i = 0; i < 600; ++i) {  // until the parent sleeps, and not for ever
      usleep(10'000);
      bell_.ring_for_neighbour();
    }
    _exit(0);
  }
  EXPECT_LT(seconds_asleep(Bell::For::kAll, kForEver), 10);
  EXPECT_LT(seconds_asleep(Bell::For::kAll, kForEver), 10);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_F(BellTest, WhoSleepsForTheOwnIsNotWokenByNeighbours) {
  std::atomic<bool> over{false};
  std::thread neighbour([&] {
    while (!over) {
      bell_.ring_for_neighbour();
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  bell_.sleep(Bell::For::kAll, kForEver);  // the neighbour is there
  // One ring may have come between the sleeps; those that come in a sleep change nothing.
  seconds_asleep(Bell::For::kOwn, milliseconds(50));
  double longest = 0;
  for (int i = 0; i < 5; ++i)
    longest = std::max(longest, seconds_asleep(Bell::For::kOwn, milliseconds(50)));
  EXPECT_GE(longest, 0.05);
  std::thread own([&] {
    std::this_thread::sleep_for(milliseconds(20));
    bell_.ring();
  });
  EXPECT_LT(seconds_asleep(Bell::For::kOwn, kForEver), 10);
  own.join();
  over = true;
  neighbour.join();
}

// Two threads that hand a number to and fro; each sleeps until it is its turn. A lost ring would be
// a sleep of a minute.
TEST_F(BellTest, NoRingIsLost) {
  const Bell other(memory_ + 16);
  std::atomic<int> turn{0};
  constexpr int kTurns = 20'000;
  const auto play = [&](int parity, const Bell& own, const Bell& theirs) {
    for (int i = parity; i < kTurns; i += 2) {
      while (turn != i) own.sleep(Bell::For::kAll, kForEver);
      turn = i + 1;
      theirs.ring_for_neighbour();
    }
  };
  const auto begin = Clock::now();
  std::thread second([&] { play(1, other, bell_); });
  play(0, bell_, other);
  second.join();
  EXPECT_EQ(turn, kTurns);
  EXPECT_LT(Clock::now() - begin, kForEver);
}

TEST(Bell, WithoutMemoryIsHeardByNobody) {
  EXPECT_FALSE(Bell().heard());
  Bell().ring();
  Bell().ring_for_neighbour();
}

}  // namespace
}  // namespace muybridge
