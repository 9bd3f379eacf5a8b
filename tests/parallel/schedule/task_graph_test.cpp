#include "parallel/schedule/task_graph.h"

#include <gtest/gtest.h>

#include "parallel/schedule/orders.h"
#include "parallel/schedule/simulator.h"

namespace muybridge {
namespace {

const Placement kTwoRanks{2, 1, Fold::kLooped};
const PipelineCosts kCosts{{{1, 2, 1, 1, 1}, {1, 2, 1, 1, 1}}, 0.5};

TEST(TaskGraph, ReadsAndWritesTheSameSchedule) {
  PipelineSchedule schedule{kTwoRanks, 3, {}};
  for (int r = 0; r < 2; ++r) schedule.ranks.push_back(zb_h1({r, 2, 3, 1}));
  const TaskGraph graph(kTwoRanks, 3, kCosts);
  EXPECT_EQ(graph.schedule_of(graph.starts_of(schedule, kCosts)).ranks, schedule.ranks);
}

TEST(TaskGraph, StartsTheSmallestKeyThatIsReadyAndFits) {
  const TaskGraph graph(kTwoRanks, 2, kCosts);
  std::vector<double> starts;
  const std::vector<double> alike(graph.size(), 0.0);
  const double finish = graph.list_schedule(Direction::kForwards, alike, 1, starts);
  // One micro-batch at a time: 1 .5 1 2 (1) .5 2 1, then the same again.
  EXPECT_EQ(finish, 16);
  EXPECT_EQ(to_string(graph.schedule_of(starts).ranks[0]), "F0 I0 W0 F1 I1 W1");
  const double both = graph.list_schedule(Direction::kForwards, alike, 2, starts);
  EXPECT_LT(both, finish);
  EXPECT_EQ(to_string(graph.schedule_of(starts).ranks[0]), "F0 F1 I0 I1 W0 W1");
}

TEST(TaskGraph, BackwardsInTimeIsAScheduleToo) {
  const TaskGraph graph(kTwoRanks, 4, kCosts);
  std::vector<double> starts;
  const std::vector<double> alike(graph.size(), 0.0);
  const double finish = graph.list_schedule(Direction::kBackwards, alike, 2, starts);
  graph.turn(finish, starts);
  const Simulation s = simulate(graph.schedule_of(starts), kCosts, Sends::kImplied);
  EXPECT_LE(s.finish, finish);
  EXPECT_LE(s.largest_activation(), 2);
}

TEST(TaskGraph, KnowsTheLargestMicroBatch) {
  const TaskGraph graph({2, 2, Fold::kV}, 3,
                        {{{1, 1, 1, 1, 1}, {1, 1, 1, 2, 1}, {1, 1, 1, 3, 1}, {1, 1, 1, 5, 1}}, 0});
  EXPECT_EQ(graph.largest_micro_batch(), 6);
}

}  // namespace
}  // namespace muybridge
