#include "parallel/activity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <thread>

namespace muybridge {
namespace {

using std::chrono::milliseconds;

double of(const SectionSeconds& seconds, Section section) {
  return seconds[static_cast<std::size_t>(section)];
}

TEST(Activity, SecondsGoToTheSectionAndThoseOfWaitingToNone) {
  Activity activity;
  const auto begin = Activity::Clock::now();
  activity.take();
  activity.begin(Section::kData);
  std::this_thread::sleep_for(milliseconds(20));
  activity.begin(Section::kCompute);
  std::this_thread::sleep_for(milliseconds(40));
  {
    const Activity::Wait wait(&activity);
    std::this_thread::sleep_for(milliseconds(300));
  }
  const SectionSeconds seconds = activity.take();
  const std::chrono::duration<double> passed = Activity::Clock::now() - begin;
  EXPECT_GE(of(seconds, Section::kData), 0.02);
  EXPECT_GE(of(seconds, Section::kCompute), 0.04);
  EXPECT_LE(std::accumulate(seconds.begin(), seconds.end(), 0.0), passed.count() - 0.3 + 1e-9);
  EXPECT_EQ(of(seconds, Section::kOptimizer), 0);
  EXPECT_EQ(of(activity.take(), Section::kData), 0) << "taken once";
}

TEST(Activity, ARankIsBusySinceItLastCalledOrWaited) {
  Activity activity;
  activity.begin(Section::kCompute);
  const auto begin = Activity::Clock::now();
  EXPECT_NEAR(activity.state(begin + std::chrono::seconds(50)).busy_seconds, 50, 1);
  std::this_thread::sleep_for(milliseconds(50));
  const double before = activity.state(begin + std::chrono::seconds(50)).busy_seconds;
  activity.called();
  EXPECT_LE(activity.state(begin + std::chrono::seconds(50)).busy_seconds, before - 0.05);
  {
    const Activity::Wait wait(&activity);
    EXPECT_EQ(activity.state(begin + std::chrono::seconds(50)).busy_seconds, 0);
  }
  EXPECT_GT(activity.state(begin + std::chrono::seconds(50)).busy_seconds, 0);
}

TEST(Activity, OtherThreadsOfTheRankCountForNothing) {
  Activity activity;
  activity.begin(Section::kCompute);
  const auto later = Activity::Clock::now() + std::chrono::seconds(50);
  std::thread([&] {
    std::this_thread::sleep_for(milliseconds(20));
    activity.called();
    const Activity::Wait wait(&activity);
    EXPECT_GT(activity.state(later).busy_seconds, 49);
  }).join();
  EXPECT_GE(activity.state(later).busy_seconds, 50 - 1e-3);
}

TEST(Activity, OnlyStepsHaveALimitOfTheirOwn) {
  Activity activity;
  activity.set_patience(7);
  const auto now = Activity::Clock::now();
  for (const Section section : {Section::kCompute, Section::kOptimizer}) {
    activity.begin(section);
    EXPECT_EQ(activity.state(now).patience, 7);
  }
  for (const Section section :
       {Section::kOther, Section::kData, Section::kCommit, Section::kEvaluation}) {
    activity.begin(section);
    EXPECT_TRUE(std::isinf(activity.state(now).patience)) << name_of(section);
  }
}

}  // namespace
}  // namespace muybridge
