#include "parallel/schedule/tuned.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "parallel/schedule/messages.h"
#include "parallel/schedule/simulator.h"
#include "tests/parallel/schedule/check.h"
#include "tests/parallel/schedule/schedule_claims.h"

namespace muybridge {
namespace {

// The bubble at 8 stages, 32 micro-batches and at most 1.1 times the activations of 1F1B.
double bubble_at_wan_cost(int virtual_stages, const SectionCost& rank = wan_cost()) {
  const PipelineSchedule schedule = schedule_of(ScheduleKind::kTuned, 8, virtual_stages, 32, rank);
  const Simulation s = simulate(schedule, equal_costs(schedule.placement, rank));
  EXPECT_LE(s.largest_activation(), 8.8 + 1e-9);
  return s.bubble;
}

TEST(Tuned, HasAQuarterOf1F1BsBubbleAtTheMemoryOf1F1B) {
  const PipelineSchedule plain = schedule_of(ScheduleKind::k1F1B, 8, 1, 32, wan_cost());
  EXPECT_NEAR(simulate(plain, equal_costs(plain.placement, wan_cost())).bubble, 7.0 / 39, 1e-12);
  EXPECT_LE(bubble_at_wan_cost(2), 0.088);
  EXPECT_LE(bubble_at_wan_cost(3), 0.059);
  EXPECT_LE(bubble_at_wan_cost(4), 0.0435);
  EXPECT_LE(bubble_at_wan_cost(5), 0.036);
}

TEST(Tuned, UsesWhatBackwardInputReleases) {
  SectionCost rank = wan_cost();
  rank.kept = 0.5;
  EXPECT_LE(bubble_at_wan_cost(4, rank), bubble_at_wan_cost(4));
}

// Where blocks run again an activation is small, and what a weight gradient waits with is not.
TEST(Tuned, KeepsBackwardsInOnePieceWhereSplitOnesDoNotFit) {
  const Placement placement{4, 2, Fold::kLooped};
  SectionCost rank = wan_cost();
  rank.kept = 20;
  const PipelineCosts costs = equal_costs(placement, rank);
  const PipelineSchedule schedule = place_messages(tuned(placement, 16, costs), costs);
  EXPECT_EQ(find_fault(schedule), "");
  const Simulation s = simulate(schedule, costs);
  EXPECT_LE(s.largest_activation(), 4.4 + 1e-9);
  const PipelineSchedule plain = schedule_of(ScheduleKind::k1F1B, 4, 1, 16, rank);
  EXPECT_LT(s.bubble, 0.7 * simulate(plain, equal_costs(plain.placement, rank)).bubble);
  // With room for them they are split, and the step is shorter.
  const PipelineSchedule roomy = place_messages(tuned(placement, 16, costs, 60), costs);
  EXPECT_EQ(find_fault(roomy), "");
  EXPECT_LE(simulate(roomy, costs).largest_activation(), 60 + 1e-9);
  EXPECT_LT(simulate(roomy, costs).bubble, s.bubble);
}

// All stages 2..16 and micro-batches 1..64, with as little search as there can be.
TEST(Tuned, RunsEveryActionOnceInOrderAndNeverGetsStuck) {
  for (int p = 2; p <= 16; ++p)
    for (int m = 1; m <= 64; ++m) {
      const Placement placement{p, 2, Fold::kLooped};
      const PipelineCosts costs = equal_costs(placement, wan_cost());
      const PipelineSchedule schedule = place_messages(tuned(placement, m, costs, 0, 2), costs);
      ASSERT_EQ(find_fault(schedule), "") << p << " stages, " << m;
      ASSERT_NO_THROW(simulate(schedule, costs, Sends::kRendezvous)) << p << " stages, " << m;
      const Simulation s = simulate(schedule, costs);
      EXPECT_LE(s.largest_activation(), 1.1 * std::min(p, m) + 1e-9) << p << " stages, " << m;
    }
}

// Sections of any cost, memory from what one micro-batch needs on.
TEST(Tuned, NeverHoldsMoreThanItMayOfUnequalSections) {
  const RandomStream draw(7, Purpose::kTest);
  std::uint64_t drawn = 0;
  const auto cost = [&] { return static_cast<double>(draw.integer(drawn++, 1, 9)); };
  for (int trial = 0; trial < 60; ++trial) {
    const Placement placement{2 + trial % 5, 1 + trial % 3, Fold::kLooped};
    PipelineCosts costs{{}, static_cast<double>(trial % 4)};
    std::vector<double> held(static_cast<std::size_t>(placement.stages));
    for (int s = 0; s < placement.sections(); ++s) {
      const double activation = cost();
      const double kept = trial % 2 == 0 ? activation / cost() : activation + cost();
      costs.sections.push_back({cost(), cost(), cost(), activation, kept});
      held[static_cast<std::size_t>(placement.place_of(s).rank)] += activation;
    }
    const double limit = *std::max_element(held.begin(), held.end()) * (1 + trial % 7 * 0.5);
    const PipelineSchedule schedule = place_messages(tuned(placement, 12, costs, limit, 4), costs);
    EXPECT_EQ(find_fault(schedule), "") << "trial " << trial;
    EXPECT_NO_THROW(simulate(schedule, costs, Sends::kRendezvous)) << "trial " << trial;
    // Activations are rounded to ticks, 2^20 of them in the largest.
    EXPECT_LE(simulate(schedule, costs).largest_activation(), limit * (1 + 1e-4))
        << "trial " << trial;
  }
}

TEST(Tuned, MoreMemoryShortensTheStep) {
  const Placement placement{8, 4, Fold::kLooped};
  const PipelineCosts costs = equal_costs(placement, wan_cost());
  const auto bubble = [&](double limit) {
    return simulate(tuned(placement, 32, costs, limit), costs, Sends::kImplied).bubble;
  };
  EXPECT_LT(bubble(12), bubble(8.8));
  EXPECT_LT(bubble(8.8), bubble(5));
}

TEST(Tuned, IsTheSameEveryTime) {
  const Placement placement{4, 3, Fold::kLooped};
  const PipelineCosts costs = equal_costs(placement, wan_cost(), 0.01);
  EXPECT_EQ(tuned(placement, 10, costs).ranks, tuned(placement, 10, costs).ranks);
}

TEST(Tuned, AMicroBatchThatDoesNotFitIsRefused) {
  const Placement placement{4, 2, Fold::kLooped};
  EXPECT_THAT(
      [&] { tuned(placement, 4, equal_costs(placement, wan_cost()), 0.9); },
      ::testing::ThrowsMessage<Error>(::testing::HasSubstr(
          "schedule tuned: a rank holds 1 of one micro-batch's activations, the limit is 0.9")));
}

}  // namespace
}  // namespace muybridge
