#include "data/prepare/prepare_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

namespace muybridge {
namespace {

PreparedUnit done(const PrepareTask& task, bool ended, std::size_t bytes = 0) {
  PreparedUnit unit;
  unit.source = task.source;
  unit.unit = task.unit;
  unit.ended = ended;
  unit.frames.rgb.resize(bytes);
  return unit;
}

TEST(PrepareQueue, ResultsComeInOrderWhoeverIsFaster) {
  constexpr std::size_t kSources = 60;
  PrepareQueue queue(kSources, 1000);
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&queue, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      while (const auto task = queue.next_task()) {
        const std::int64_t units = 1 + static_cast<std::int64_t>(task->source % 4);
        if (task->unit == 0) queue.expect_units(*task, units);
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
        queue.finish(done(*task, task->unit + 1 == units, 100));
      }
    });
  }
  for (std::size_t source = 0; source < kSources; ++source) {
    for (std::int64_t unit = 0; unit <= static_cast<std::int64_t>(source % 4); ++unit) {
      const auto result = queue.next_result();
      ASSERT_TRUE(result);
      EXPECT_EQ(result->source, source);
      EXPECT_EQ(result->unit, unit);
      EXPECT_EQ(result->last, unit == static_cast<std::int64_t>(source % 4));
    }
  }
  EXPECT_FALSE(queue.next_result());
  for (std::thread& worker : workers) worker.join();
}

TEST(PrepareQueue, AVideoThatIsLongerThanItSaidGoesOn) {
  PrepareQueue queue(1, 1000);
  auto task = queue.next_task();
  queue.finish(done(*task, false));
  task = queue.next_task();
  ASSERT_TRUE(task);
  EXPECT_EQ(task->unit, 1);
  queue.finish(done(*task, true));
  EXPECT_FALSE(queue.next_result()->last);
  EXPECT_TRUE(queue.next_result()->last);
  EXPECT_FALSE(queue.next_task());
  EXPECT_FALSE(queue.next_result());
}

TEST(PrepareQueue, AVideoThatIsShorterThanItSaidEndsThere) {
  PrepareQueue queue(2, 1000);
  const auto first = queue.next_task();
  queue.expect_units(*first, 4);
  const auto second = queue.next_task();
  const auto third = queue.next_task();
  EXPECT_EQ(third->unit, 2);
  queue.finish(done(*third, true));   // beyond the end: nothing in it
  queue.finish(done(*second, true));  // here the video ended
  queue.finish(done(*first, false));
  EXPECT_EQ(queue.next_result()->unit, 0);
  const auto last = queue.next_result();
  EXPECT_EQ(last->unit, 1);
  EXPECT_TRUE(last->last);
  const auto other = queue.next_task();
  EXPECT_EQ(other->source, 1U);
}

TEST(PrepareQueue, DamageInTheMiddleDoesNotEndAVideoOfKnownLength) {
  PrepareQueue queue(1, 1000);
  const auto first = queue.next_task();
  queue.expect_units(*first, 3);
  const auto second = queue.next_task();
  const auto third = queue.next_task();
  PreparedUnit damaged = done(*second, true);
  damaged.problem = "damaged";
  queue.finish(std::move(damaged));
  queue.finish(done(*third, true));
  queue.finish(done(*first, false));
  EXPECT_FALSE(queue.next_result()->last);
  EXPECT_FALSE(queue.next_result()->last);
  EXPECT_TRUE(queue.next_result()->last);
}

TEST(PrepareQueue, WaitingResultsHoldBackWorkButNeverTheHead) {
  PrepareQueue queue(10, 1000);
  const auto first = queue.next_task();
  const auto second = queue.next_task();
  queue.finish(done(*second, true, 5000));
  std::atomic<bool> got{false};
  std::thread waiting([&] {
    queue.next_task();
    got = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(got.load());
  queue.finish(done(*first, false));
  EXPECT_EQ(queue.next_result()->unit, 0);
  waiting.join();  // with unit 1 of the first source, for which the writer waits now
  queue.stop();
}

TEST(PrepareQueue, StopSetsEverybodyFree) {
  PrepareQueue queue(1, 1000);
  queue.next_task();
  std::thread worker([&] { EXPECT_FALSE(queue.next_task()); });
  std::thread writer([&] { EXPECT_FALSE(queue.next_result()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  queue.stop();
  worker.join();
  writer.join();
}

TEST(PrepareQueue, NoSourcesIsTheEnd) {
  PrepareQueue queue(0, 1000);
  EXPECT_FALSE(queue.next_task());
  EXPECT_FALSE(queue.next_result());
}

}  // namespace
}  // namespace muybridge
