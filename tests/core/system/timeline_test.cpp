#include "core/system/timeline.h"

#include <gtest/gtest.h>

#include <thread>

namespace muybridge {
namespace {

TEST(Timeline, KeepsWhatHappensWhileItIsOn) {
  Timeline timeline;
  int asked = 0;
  const auto name = [&] {
    ++asked;
    return "F0";
  };
  const auto work = [&] { const TimelineScope scope(&timeline, Timeline::Lane::kWork, name); };
  work();
  EXPECT_EQ(asked, 0);
  timeline.start();
  work();
  const auto begin = Timeline::Clock::now();
  timeline.add(Timeline::Lane::kWaits, "wait", begin, begin + std::chrono::milliseconds(3));
  const std::vector<Timeline::Span> spans = timeline.stop();
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].name, "F0");
  EXPECT_EQ(spans[0].lane, Timeline::Lane::kWork);
  EXPECT_LE(spans[0].begin, spans[0].end);
  EXPECT_EQ(spans[1].end - spans[1].begin, std::chrono::milliseconds(3));
  work();
  EXPECT_EQ(asked, 1);
  timeline.start();
  EXPECT_TRUE(timeline.stop().empty());
}

TEST(Timeline, AScopeWithoutOneDoesNothing) {
  const TimelineScope scope(nullptr, Timeline::Lane::kWork,
                            []() -> std::string { throw std::logic_error("asked"); });
}

TEST(Timeline, TakesSpansOfSeveralThreads) {
  Timeline timeline;
  timeline.start();
  const auto add = [&] {
    for (int i = 0; i < 1000; ++i)
      timeline.add(Timeline::Lane::kTravel, "x", Timeline::Clock::now(), Timeline::Clock::now());
  };
  std::thread other(add);
  add();
  other.join();
  EXPECT_EQ(timeline.stop().size(), 2000U);
}

}  // namespace
}  // namespace muybridge
