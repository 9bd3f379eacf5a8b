#include "parallel/schedule/ticks.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

TEST(Ticks, AreWholeAndKeepProportions) {
  const PipelineCosts ticks = in_ticks({{{0.1, 0.2, 0.05, 7, 3.5}}, 0.01});
  const SectionCost& cost = ticks.sections[0];
  EXPECT_EQ(cost.backward_input, 1 << 20);
  EXPECT_EQ(cost.forward, 1 << 19);
  EXPECT_EQ(cost.backward_weight, 1 << 18);
  EXPECT_EQ(cost.activation, 1 << 20);
  EXPECT_EQ(cost.kept, 1 << 19);
  EXPECT_EQ(ticks.communication, 52429);
  EXPECT_DOUBLE_EQ(memory_ticks({{{0.1, 0.2, 0.05, 7, 3.5}}, 0.01}), (1 << 20) / 7.0);
}

TEST(Ticks, NoComputationTakesNothing) {
  const PipelineCosts ticks = in_ticks({{{0, 0, 0, 0, 0}, {1, 1, 0, 0, 0}}, 0});
  EXPECT_EQ(ticks.sections[0].forward, 1);
  EXPECT_EQ(ticks.sections[1].backward_weight, 1);
  EXPECT_EQ(ticks.sections[0].activation, 0);
  EXPECT_EQ(ticks.communication, 0);
}

}  // namespace
}  // namespace muybridge
