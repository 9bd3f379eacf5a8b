#include "train/update/schedule_lr.h"

#include <gtest/gtest.h>

#include <cmath>

namespace muybridge {
namespace {

using Schedule = TrainConfig::Schedule;

constexpr double kPeak = 2, kLeast = 0.4;

double rate(Schedule schedule, int warmup, std::int64_t step, std::int64_t steps) {
  TrainConfig::Optimizer options;
  options.learning_rate = kPeak;
  options.min_learning_rate = kLeast;
  options.warmup_steps = warmup;
  options.schedule = schedule;
  return learning_rate_at(options, step, steps);
}

constexpr Schedule kSchedules[] = {Schedule::kConstant, Schedule::kCosine, Schedule::kLinear};

TEST(LearningRate, RisesInALineAndReachesThePeakWithTheLastStepOfTheWarmUp) {
  for (const Schedule schedule : kSchedules)
    for (std::int64_t step = 1; step <= 4; ++step)
      EXPECT_DOUBLE_EQ(rate(schedule, 4, step, 100), kPeak * static_cast<double>(step) / 4);
}

TEST(LearningRate, ConstantStaysAtThePeak) {
  for (const std::int64_t step : {5, 50, 100, 1000})
    EXPECT_DOUBLE_EQ(rate(Schedule::kConstant, 4, step, 100), kPeak);
  EXPECT_DOUBLE_EQ(rate(Schedule::kConstant, 0, 1, 100), kPeak);
}

TEST(LearningRate, LinearFallsByTheSameEachStepToTheMinimumAtTheLast) {
  for (const int warmup : {0, 4})
    for (std::int64_t step = warmup + 1; step <= 20; ++step)
      EXPECT_NEAR(rate(Schedule::kLinear, warmup, step, 20),
                  kPeak - (kPeak - kLeast) * static_cast<double>(step - warmup) / (20 - warmup),
                  1e-12)
          << step;
}

TEST(LearningRate, CosineFallsHalfAWaveToTheMinimumAtTheLastStep) {
  const double half = (kPeak - kLeast) / 2, middle = kLeast + half;
  EXPECT_NEAR(rate(Schedule::kCosine, 4, 8, 20), middle + half * std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(rate(Schedule::kCosine, 4, 12, 20), middle, 1e-12);
  EXPECT_NEAR(rate(Schedule::kCosine, 4, 16, 20), middle - half * std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(rate(Schedule::kCosine, 4, 20, 20), kLeast, 1e-12);
  EXPECT_NEAR(rate(Schedule::kCosine, 0, 10, 20), middle, 1e-12);
}

// A run that was lengthened and goes on with the old length, or one that is all warm-up.
TEST(LearningRate, StaysAtTheMinimumAfterTheLastStepAndIsFiniteWithoutAFall) {
  for (const Schedule schedule : {Schedule::kCosine, Schedule::kLinear}) {
    EXPECT_NEAR(rate(schedule, 4, 1000, 20), kLeast, 1e-12);
    EXPECT_DOUBLE_EQ(rate(schedule, 20, 20, 20), kPeak);
    EXPECT_DOUBLE_EQ(rate(schedule, 20, 5, 10), kPeak / 4);
    EXPECT_NEAR(rate(schedule, 20, 21, 20), kLeast, 1e-12);
  }
}

TEST(LearningRate, NeverLeavesTheRangeFromMinimumToPeakAfterTheWarmUp) {
  for (const Schedule schedule : kSchedules)
    for (std::int64_t step = 5; step <= 120; ++step) {
      const double now = rate(schedule, 4, step, 100);
      EXPECT_GE(now, kLeast - 1e-12);
      EXPECT_LE(now, rate(schedule, 4, step - 1, 100));
    }
}

}  // namespace
}  // namespace muybridge
