#include "parallel/schedule/simulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/parallel/schedule/schedule_claims.h"

namespace muybridge {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Action send(bool gradient, int peer, int micro_batch) {
  return {ActionKind::kExchange, 0, 0, {{true, gradient, peer, micro_batch, 0}}};
}
Action receive(bool gradient, int peer, int micro_batch) {
  return {ActionKind::kExchange, 0, 0, {{false, gradient, peer, micro_batch, 0}}};
}
Action exchange(std::vector<StreamMessage> messages) {
  return {ActionKind::kExchange, 0, 0, std::move(messages)};
}

PipelineSchedule two_ranks(Order first, Order second, int micro_batches) {
  return {{2, 1, Fold::kLooped}, micro_batches, {std::move(first), std::move(second)}};
}

const PipelineSchedule& one_micro_batch() {
  static const PipelineSchedule schedule =
      two_ranks({forward(0), send(false, 1, 0), receive(true, 1, 0), backward(0)},
                {receive(false, 0, 0), forward(0), backward(0), send(true, 0, 0)}, 1);
  return schedule;
}

TEST(Simulator, AddsUpComputationsAndMessages) {
  const PipelineCosts costs{{{1, 2, 3, 5, 4}, {10, 20, 30, 50, 40}}, 0.5};
  for (const Sends sends : {Sends::kBuffered, Sends::kRendezvous, Sends::kImplied}) {
    const Simulation s = simulate(one_micro_batch(), costs, sends);
    EXPECT_DOUBLE_EQ(s.finish, 1 + 0.5 + 10 + 50 + 0.5 + 5);
    EXPECT_DOUBLE_EQ(s.bubble, 1 - 66 / (2 * s.finish));
    EXPECT_THAT(s.peak_activation, ::testing::ElementsAre(5, 50));
    EXPECT_DOUBLE_EQ(s.spans[1][1].start, 1.5);
    EXPECT_DOUBLE_EQ(s.spans[1][1].finish, 11.5);
  }
}

TEST(Simulator, ReleasesAPartWithTheInputsGradientAndTheRestWithTheWeights) {
  const PipelineSchedule schedule{
      {1, 1, Fold::kLooped},
      3,
      {{forward(0), backward_input(0), forward(1), backward_weight(0), backward_input(1),
        forward(2), backward_weight(1), backward(2)}}};
  // 10, 4, 14, 10, 4, 14
  EXPECT_EQ(simulate(schedule, {{{1, 1, 1, 10, 4}}, 0}).largest_activation(), 14);
  EXPECT_EQ(simulate(schedule, {{{1, 1, 1, 10, 10}}, 0}).largest_activation(), 20);
  EXPECT_EQ(simulate(schedule, {{{1, 1, 1, 10, 0}}, 0}).largest_activation(), 10);
}

TEST(Simulator, ABlockedSenderWaitsWhereABufferedOneDoesNot) {
  // Rank 1 looks for the second activation only after its first backward.
  const PipelineSchedule schedule =
      two_ranks({forward(0), send(false, 1, 0), forward(1), send(false, 1, 1), receive(true, 1, 0),
                 backward(0), receive(true, 1, 1), backward(1)},
                {receive(false, 0, 0), forward(0), backward(0), send(true, 0, 0),
                 receive(false, 0, 1), forward(1), backward(1), send(true, 0, 1)},
                2);
  const PipelineCosts costs = equal_costs(schedule.placement, {});
  EXPECT_EQ(simulate(schedule, costs).finish, 9);
  EXPECT_THAT(
      [&] { simulate(schedule, costs, Sends::kRendezvous); },
      ThrowsMessage<Error>(HasSubstr("deadlock with 2 stages and 2 micro-batches: rank 0 at "
                                     "action 3, [a1>1]; rank 1 at action 3, [g0>0]")));
}

TEST(Simulator, AnExchangeMeetsInBothDirections) {
  // The schedule above, where each rank sends and receives at once.
  const Order first{forward(0),  send(false, 1, 0),
                    forward(1),  exchange({{true, false, 1, 1, 0}, {false, true, 1, 0, 0}}),
                    backward(0), receive(true, 1, 1),
                    backward(1)};
  const Order second{
      receive(false, 0, 0), forward(0),
      backward(0),          exchange({{true, true, 0, 0, 0}, {false, false, 0, 1, 0}}),
      forward(1),           backward(1),
      send(true, 0, 1)};
  const PipelineSchedule schedule = two_ranks(first, second, 2);
  EXPECT_EQ(simulate(schedule, equal_costs(schedule.placement, {}), Sends::kRendezvous).finish, 9);
}

TEST(Simulator, FindsWhatNobodySends) {
  PipelineSchedule schedule = one_micro_batch();
  schedule.ranks[0].erase(schedule.ranks[0].begin() + 1);
  const PipelineCosts costs = equal_costs(schedule.placement, {});
  for (const Sends sends : {Sends::kBuffered, Sends::kRendezvous})
    EXPECT_THAT([&] { simulate(schedule, costs, sends); },
                ThrowsMessage<Error>(HasSubstr("rank 1 at action")));
}

TEST(Simulator, ABackwardWaitsForItsForward) {
  const PipelineSchedule schedule{{1, 1, Fold::kLooped}, 1, {{backward(0), forward(0)}}};
  EXPECT_THAT([&] { simulate(schedule, equal_costs(schedule.placement, {})); },
              ThrowsMessage<Error>(HasSubstr("rank 0 at action 0, B0")));
}

}  // namespace
}  // namespace muybridge
