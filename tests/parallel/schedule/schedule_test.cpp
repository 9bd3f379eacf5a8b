#include "parallel/schedule/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "parallel/schedule/simulator.h"
#include "tests/parallel/schedule/check.h"
#include "tests/parallel/schedule/schedule_claims.h"

namespace muybridge {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

struct Shape {
  ScheduleKind kind;
  int virtual_stages;
};

class EverySchedule : public ::testing::TestWithParam<Shape> {};

// All stages 2..16 and micro-batches 1..64.
TEST_P(EverySchedule, RunsEveryActionOnceInOrderAndNeverGetsStuck) {
  const auto [kind, v] = GetParam();
  for (int p = 2; p <= 16; ++p)
    for (int m = 1; m <= 64; ++m) {
      const PipelineSchedule schedule = schedule_of(kind, p, v, m, {2, 3, 1, 1, 1});
      ASSERT_EQ(find_fault(schedule), "") << p << " stages, " << m;
      const PipelineCosts costs = equal_costs(schedule.placement, {2, 3, 1, 1, 1});
      ASSERT_NO_THROW(simulate(schedule, costs, Sends::kRendezvous)) << p << " stages, " << m;
      ASSERT_NO_THROW(simulate(schedule, costs, Sends::kBuffered)) << p << " stages, " << m;
    }
}

std::string name_of(const ::testing::TestParamInfo<Shape>& shape) {
  return std::string(to_string(shape.param.kind)) + "_" +
         std::to_string(shape.param.virtual_stages);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, EverySchedule,
    ::testing::Values(Shape{ScheduleKind::kGpipe, 1}, Shape{ScheduleKind::k1F1B, 1},
                      Shape{ScheduleKind::kInterleaved, 1}, Shape{ScheduleKind::kInterleaved, 2},
                      Shape{ScheduleKind::kInterleaved, 3}, Shape{ScheduleKind::kInterleaved, 4},
                      Shape{ScheduleKind::kZbH1, 1}, Shape{ScheduleKind::kZbV, 2}),
    name_of);

TEST(Schedule, OneStageNeedsNoMessages) {
  for (const auto& [kind, v] : {Shape{ScheduleKind::k1F1B, 1}, Shape{ScheduleKind::kZbV, 2}}) {
    const PipelineSchedule schedule = schedule_of(kind, 1, v, 3, {1, 1, 1, 1, 1});
    EXPECT_EQ(find_fault(schedule), "");
    EXPECT_EQ(computations(schedule.ranks[0]), schedule.ranks[0]);
  }
}

TEST(Schedule, OfManyStagesAndMicroBatchesIsRight) {
  const PipelineSchedule schedule =
      schedule_of(ScheduleKind::kInterleaved, 64, 4, 512, {4, 8, 0, 4, 4});
  EXPECT_EQ(find_fault(schedule), "");
  const Simulation s = simulate(schedule, equal_costs(schedule.placement, {4, 8, 0, 4, 4}));
  EXPECT_EQ(s.finish, 512 * 12 + 63 * 3);
}

TEST(Schedule, WhatCannotBeIsRefused) {
  EXPECT_THAT([] { placement_of(ScheduleKind::k1F1B, 4, 2); },
              ThrowsMessage<Error>(HasSubstr("schedule 1f1b: 2 virtual stages; it has 1")));
  EXPECT_THAT([] { placement_of(ScheduleKind::kZbV, 4, 1); },
              ThrowsMessage<Error>(HasSubstr("schedule zb_v: 1 virtual stages; it has 2")));
  EXPECT_THROW(placement_of(ScheduleKind::kGpipe, 0, 1), Error);
  EXPECT_THROW(make_schedule({.stages = 2, .micro_batches = 0}), Error);
  EXPECT_THAT(
      [] {
        make_schedule({.stages = 2, .costs = {{{}, {}, {}}, 0}});
      },
      ThrowsMessage<Error>(HasSubstr("costs of 3 sections for 2 stages")));
}

}  // namespace
}  // namespace muybridge
