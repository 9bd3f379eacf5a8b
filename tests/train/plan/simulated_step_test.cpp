#include "train/plan/simulated_step.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

PipelineCosts costs(const Placement& placement) {
  return equal_costs(placement, {.forward = 1, .backward_input = 2, .backward_weight = 1}, 0.01);
}

// 1F1B: (p - 1)(F + B + W) of m (F + B + W).
TEST(SimulatedStep, BubbleIsThatOfTheFormula) {
  SimulatedSteps lines;
  const Placement placement = placement_of(ScheduleKind::k1F1B, 4, 1);
  const PipelineCosts free = equal_costs(placement, {});
  EXPECT_NEAR(lines.of(ScheduleKind::k1F1B, placement, 8, free, free).bubble, 3.0 / 11, 1e-12);
  EXPECT_NEAR(lines.of(ScheduleKind::k1F1B, placement, 1000, free, free).bubble, 3.0 / 1003, 1e-12);
}

// Against the simulation of all of them.
TEST(SimulatedStep, OfManyMicroBatchesIsThatOfAll) {
  for (const auto& [kind, chunks] : {std::pair{ScheduleKind::k1F1B, 1},
                                     {ScheduleKind::kZbH1, 1},
                                     {ScheduleKind::kZbV, 2},
                                     {ScheduleKind::kInterleaved, 3}}) {
    SimulatedSteps lines;
    const Placement placement = placement_of(kind, 4, chunks);
    const SimulatedStep& line = lines.of(kind, placement, 203, costs(placement), costs(placement));
    EXPECT_LT(line.schedule.micro_batches, 203);
    const PipelineSchedule whole = make_schedule({.kind = kind,
                                                  .stages = 4,
                                                  .virtual_stages = chunks,
                                                  .micro_batches = 203,
                                                  .costs = costs(placement)});
    const Simulation all = simulate(whole, costs(placement));
    EXPECT_NEAR(line.seconds / all.finish, 1, 0.005) << to_string(kind);
    EXPECT_NEAR(line.bubble, all.bubble, 0.005) << to_string(kind);
  }
}

TEST(SimulatedStep, IsSimulatedOnce) {
  SimulatedSteps lines;
  const Placement placement = placement_of(ScheduleKind::k1F1B, 4, 1);
  const PipelineCosts usual = costs(placement), free = equal_costs(placement, {});
  const auto seconds = [&](int micro_batches, const PipelineCosts& reckoned) {
    return lines.of(ScheduleKind::k1F1B, placement, micro_batches, reckoned, usual).seconds;
  };
  EXPECT_EQ(seconds(8, usual), seconds(8, usual));
  EXPECT_EQ(lines.simulated(), 1);
  seconds(9, usual);
  EXPECT_EQ(lines.simulated(), 2);
  seconds(8, free);
  EXPECT_EQ(lines.simulated(), 3);
}

}  // namespace
}  // namespace muybridge
