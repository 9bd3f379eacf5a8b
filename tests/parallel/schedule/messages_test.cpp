#include "parallel/schedule/messages.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "parallel/schedule/simulator.h"
#include "tests/parallel/schedule/check.h"
#include "tests/parallel/schedule/schedule_claims.h"

namespace muybridge {
namespace {

TEST(Messages, LeaveAfterTheirComputationAndArriveBeforeTheOneThatNeedsThem) {
  const PipelineSchedule schedule = schedule_of(ScheduleKind::k1F1B, 2, 1, 2, {1, 1, 1, 1, 1});
  EXPECT_EQ(to_string(schedule.ranks[0]), "F0 [a0>1] F1 [a1>1] [g0<1] B0 [g1<1] B1");
  EXPECT_EQ(to_string(schedule.ranks[1]), "[a0<0] F0 [a1<0] B0 [g0>0] F1 B1 [g1>0]");
}

TEST(Messages, OfOneInstantAreOneExchange) {
  // Rank 0's second forward and rank 1's first one end together.
  const PipelineSchedule schedule = schedule_of(ScheduleKind::kGpipe, 3, 1, 2, {1, 1, 1, 1, 1});
  EXPECT_EQ(to_string(schedule.ranks[1]),
            "[a0<0] F0 [a1<0 a0>2] F1 [a1>2] [g0<2] B0 [g0>0 g1<2] B1 [g1>0]");
}

TEST(Messages, StayWithinARankWhereBothSectionsLieThere) {
  const PipelineSchedule schedule = schedule_of(ScheduleKind::kZbV, 3, 2, 6, {1, 1, 1, 1, 1});
  for (const Action& action : schedule.ranks[2])
    for (const StreamMessage& message : action.messages) EXPECT_EQ(message.peer, 1);
  EXPECT_EQ(to_string(schedule_of(ScheduleKind::kInterleaved, 1, 2, 1, {1, 1, 1, 1, 1}).ranks[0]),
            "F0 F0.1 B0.1 B0");
}

TEST(Messages, HoldWhateverTheTrueCostsAre) {
  const PipelineSchedule schedule = schedule_of(ScheduleKind::kZbV, 8, 2, 24, {1, 1, 1, 1, 1});
  PipelineCosts costs = equal_costs(schedule.placement, wan_cost(), 0.3);
  for (std::size_t s = 0; s < costs.sections.size(); ++s)
    costs.sections[s].forward *= 1 + static_cast<double>(s * 7 % 5);
  EXPECT_NO_THROW(simulate(schedule, costs, Sends::kRendezvous));
  EXPECT_NO_THROW(simulate(schedule, costs));
}

TEST(Messages, SectionsThatCostNothingAreStillInOrder) {
  const Placement placement{4, 2, Fold::kV};
  PipelineCosts costs = equal_costs(placement, {});
  costs.sections[3] = costs.sections[6] = {0, 0, 0, 0, 0};
  const PipelineSchedule schedule = make_schedule({.kind = ScheduleKind::kZbV,
                                                   .stages = 4,
                                                   .virtual_stages = 2,
                                                   .micro_batches = 9,
                                                   .costs = costs});
  EXPECT_EQ(find_fault(schedule), "");
  EXPECT_NO_THROW(simulate(schedule, costs, Sends::kRendezvous));
}

TEST(Messages, ComputationsThatWaitInACircleAreRefused) {
  PipelineSchedule schedule{{2, 1, Fold::kLooped}, 2, {}};
  schedule.ranks = {{forward(0), backward(0), forward(1), backward(1)},
                    {forward(1), backward(1), forward(0), backward(0)}};
  EXPECT_THROW(place_messages(schedule, equal_costs(schedule.placement, {})), Error);
}

}  // namespace
}  // namespace muybridge
