#include "train/checks/stage_memory.h"

#include <gtest/gtest.h>

#include "model/dit_parallel.h"

namespace muybridge {
namespace {

DitOptions eight_blocks() {
  DitOptions o;
  o.depth = 8;
  return o;
}

constexpr MicroBatchSize kBatch{.tokens = 256, .text_tokens = 64, .clips = 4};

std::vector<double> held(ScheduleKind kind, int stages, int virtual_stages, int micro_batches,
                         const RankShare& share = {}) {
  const PipelineSchedule schedule = make_schedule({.kind = kind,
                                                   .stages = stages,
                                                   .virtual_stages = virtual_stages,
                                                   .micro_batches = micro_batches});
  return held_by_stage(
      schedule, memory_of_sections(schedule.placement, eight_blocks(), share, DType::kF32, kBatch));
}

// So many micro-batches of so many blocks.
double of_part(int micro_batches, int blocks, bool first, bool last) {
  const HeldMemory held = memory_of_section(eight_blocks(), {}, DType::kF32, kBatch,
                                            {.blocks = blocks, .first = first, .last = last}, 1);
  EXPECT_GT(held.text, 0);
  return micro_batches * held.activation + held.text;
}

// 1F1B has as many micro-batches under way on a stage as there are stages from it to the last.
TEST(StageMemory, IsThatOfTheMicroBatchesUnderWay) {
  const std::vector<double> stages = held(ScheduleKind::k1F1B, 4, 1, 6);
  ASSERT_EQ(stages.size(), 4);
  EXPECT_NEAR(stages[0], of_part(4, 2, true, false), 1);
  EXPECT_NEAR(stages[1], of_part(3, 2, false, false), 1);
  EXPECT_NEAR(stages[3], of_part(1, 2, false, true), 1);
  EXPECT_NEAR(held(ScheduleKind::kGpipe, 4, 1, 6)[3], of_part(6, 2, false, true), 1);
  EXPECT_NEAR(held(ScheduleKind::k1F1B, 1, 1, 6)[0], of_part(1, 8, true, true), 1);
}

TEST(StageMemory, ConditionsAreThereOnceForAllChunksOfARank) {
  const double one = held(ScheduleKind::k1F1B, 1, 1, 1)[0];
  EXPECT_NEAR(held(ScheduleKind::kInterleaved, 1, 4, 1)[0], one, 1e-6 * one);
}

// By hand: two micro-batches under way; each keeps what the gradients of its weights need.
TEST(StageMemory, IsCountedThroughTheOrder) {
  PipelineSchedule schedule{.placement = {}, .micro_batches = 2, .ranks = {}};
  schedule.ranks = {{forward(0), backward_input(0), forward(1), backward(1), backward_weight(0)}};
  EXPECT_EQ(held_by_stage(schedule, {{.activation = 10, .kept = 4}}), std::vector<double>{14});
  EXPECT_EQ(held_by_stage(schedule, {{.activation = 10, .kept = 30}}), std::vector<double>{40});
  EXPECT_EQ(held_by_stage(schedule, {{.activation = 10, .kept = 4, .text = 3}}),
            std::vector<double>{17});
}

// Blocks that were run again leave what the gradients of their weights need.
TEST(StageMemory, OfBlocksThatAreRunAgainWaitsForWeights) {
  const RankShare again{.recompute = Recompute::kBlock};
  EXPECT_GT(held(ScheduleKind::kZbH1, 4, 1, 8, again)[3],
            3 * held(ScheduleKind::k1F1B, 4, 1, 8, again)[3]);
}

// What is held in fewer micro-batches is what is held in all.
TEST(StageMemory, TellingMicroBatchesTellAll) {
  for (const auto& [kind, chunks] : {std::pair{ScheduleKind::k1F1B, 1},
                                     {ScheduleKind::kZbH1, 1},
                                     {ScheduleKind::kZbV, 2},
                                     {ScheduleKind::kInterleaved, 2},
                                     {ScheduleKind::kGpipe, 1}}) {
    const Placement placement = placement_of(kind, 4, chunks);
    for (const int micro_batches : {1, 3, 17, 41, 64}) {
      const int told = telling_micro_batches(kind, placement, micro_batches);
      EXPECT_LE(told, micro_batches);
      EXPECT_EQ(held(kind, 4, chunks, told), held(kind, 4, chunks, micro_batches))
          << to_string(kind) << " " << micro_batches;
    }
    EXPECT_EQ(telling_micro_batches(kind, placement, 10'000) > 1000, kind == ScheduleKind::kGpipe);
  }
}

}  // namespace
}  // namespace muybridge
