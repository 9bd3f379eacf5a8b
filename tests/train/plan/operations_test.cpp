#include "train/plan/operations.h"

#include <gtest/gtest.h>

#include "tests/train/plan/plan_cases.h"

namespace muybridge {
namespace {

using testing::cluster;
using testing::plan_config;

Operations operations(const Cluster& on, const std::vector<std::string>& overrides = {},
                      bool ring = false, Recompute recompute = Recompute::kNone) {
  const TrainConfig config = plan_config(overrides);
  Layout layout = layout_of(config, on.ranks());
  if (ring) layout.sizes.ring = layout.sizes.context;
  layout.recompute = recompute;
  return {on, workload_of(config, 127), layout};
}

// 4 x 5 x 6 multiply-adds at 1e12 operations a second.
TEST(Operations, AProductOnAnIdealChipIsItsArithmetic) {
  EXPECT_DOUBLE_EQ(operations(cluster(1, 1, "ideal")).product(4, 5, 6, 2), 2 * 4 * 5 * 6 / 1e12);
}

TEST(Operations, AProductTakesItsMemoryWhereThatIsSlower) {
  Cluster slow = cluster(1, 1, "ideal");
  slow.chip.copy = 1e9;
  EXPECT_DOUBLE_EQ(operations(slow).product(4, 5, 6, 2), (4 * 6 + 6 * 5 + 4 * 5) * 2 / 1e9);
}

TEST(Operations, AProductOfPartsOfTilesIsSlowerThanOfWholeOnes) {
  const Operations ops = operations(cluster(1, 1));
  const double whole = ops.product(128 * 132, 256, 1024, 2);
  EXPECT_NEAR(whole, 2.0 * 128 * 132 * 256 * 1024 / 790e12 + 4e-6, 1e-9);
  EXPECT_DOUBLE_EQ(ops.product(128 * 132 - 100, 256, 1024, 2), whole);
  EXPECT_NEAR(ops.product(128 * 132 + 1, 256, 1024, 2) - 4e-6, 2 * (whole - 4e-6), 1e-9);
}

// Twice as fast, of operands of a byte; the memory that makes them is more than what is saved.
TEST(Operations, ProductsOf8BitsTakeHalfTheTimeAndMakeTheirOperands) {
  const Operations ops = operations(cluster(1, 1));
  const double wide = ops.product(128 * 132, 256, 8192, 2) - 4e-6;
  EXPECT_NEAR(ops.product(128 * 132, 256, 8192, 2, BlockProducts::kFp8) - 4e-6, wide / 2, 1e-9);
  const std::vector<std::string> large = {"model.width=1536", "model.heads=12",
                                          "model.mlp_width=8960", "batch.tokens=32768",
                                          "batch.micro_batches=1"};
  std::vector<std::string> in_fp8 = large;
  in_fp8.emplace_back("train.linear=fp8");
  const PartTimes usual = operations(cluster(1, 1), large).block(),
                  fp8 = operations(cluster(1, 1), in_fp8).block();
  EXPECT_NEAR(fp8.forward.products / usual.forward.products, 0.5, 0.03);
  EXPECT_NEAR(fp8.backward_weight.products / usual.backward_weight.products, 0.5, 0.03);
  EXPECT_GT(fp8.forward.elementwise, usual.forward.elementwise);
  EXPECT_GT(fp8.backward_input.elementwise, usual.backward_input.elementwise);
  EXPECT_EQ(fp8.forward.attention, usual.forward.attention);
  EXPECT_LT(fp8.total(), usual.total());
}

// facts: a step of Wan-1.3B at 32,760 tokens is 0.312 s of products, 0.285 and 0.865 of attention.
TEST(Operations, OfWan13BAreWhatWasMeasured) {
  const Operations ops = operations(
      cluster(1, 1), {"model.width=1536", "model.depth=30", "model.heads=12",
                      "model.mlp_width=8960", "batch.tokens=32760", "batch.micro_batches=1"});
  PartTimes blocks = 30 * ops.block();
  EXPECT_NEAR(
      blocks.forward.products + blocks.backward_input.products + blocks.backward_weight.products,
      0.312, 0.04);
  EXPECT_NEAR(blocks.forward.attention, 0.285, 0.01);
  EXPECT_NEAR(blocks.backward_input.attention, 0.865, 0.01);
}

TEST(Operations, RanksShareABlock) {
  const std::string many = "batch.tokens=262144";
  const double one = operations(cluster(1, 1), {many}).block().forward.products;
  for (const char* axis : {"parallel.tensor=8", "parallel.context=8"}) {
    const PartTimes part = operations(cluster(1), {axis, many}).block();
    EXPECT_NEAR(part.forward.products * 8 / one, 1.15, 0.2) << axis;  // part of a tile is a tile
    EXPECT_GT(part.forward.exchange, 0) << axis;
  }
}

// N tokens of width d, in bf16, on c = 8 ranks: q, k, v and the result, of which 7/8 leave.
TEST(Operations, TrafficOfContextIsThatOfItsTensors) {
  const PartTimes block = operations(cluster(1), {"parallel.context=8"}).block();
  const double tensor = 4096.0 / 8 * 1024 * 2;
  EXPECT_DOUBLE_EQ(block.forward.context.link, 4 * tensor * 7 / 8);
  const PartTimes ring = operations(cluster(1), {"parallel.context=8"}, true).block();
  EXPECT_DOUBLE_EQ(ring.forward.context.link, 7 * 2 * tensor);
  // Keys, values in bf16, their gradients in f32.
  EXPECT_DOUBLE_EQ(ring.backward_input.context.link, 7 * 2 * (tensor + 2 * tensor));
}

// Four ranks share heads, and two such fours pass keys once round.
TEST(Operations, TrafficOfARingOfSomeIsOfBothKinds) {
  const PartTimes block = operations(cluster(1), {"parallel.context=8", "parallel.ring=2",
                                                  "parallel.context_method=ring"})
                              .block();
  const double tensor = 4096.0 / 8 * 1024 * 2;
  EXPECT_DOUBLE_EQ(block.forward.context.link, 4 * tensor * 3 / 4 + 2 * tensor);
  EXPECT_DOUBLE_EQ(block.backward_input.context.link,
                   4 * tensor * 3 / 4 + 2 * (tensor + 2 * tensor));
}

TEST(Operations, ARingHidesBehindLongAttention) {
  const std::vector<std::string> many = {"parallel.context=8", "batch.tokens=262144"};
  EXPECT_EQ(operations(cluster(1), many, true).block().forward.exchange, 0);
  EXPECT_GT(operations(cluster(1), {"parallel.context=8", "batch.tokens=4096"}, true)
                .block()
                .forward.exchange,
            0);
  EXPECT_GT(operations(cluster(1), many).block().forward.exchange, 0);
}

// Six gathers of all tokens and one of the text, and sums of squares.
TEST(Operations, TrafficOfTensorIsThatOfItsTensors) {
  const PartTimes block = operations(cluster(1), {"parallel.tensor=8"}).block();
  const double tokens = 4096.0 * 1024 * 2, text = 128.0 * 1024 * 2, sums = 3 * 2 * 4096.0 * 4;
  EXPECT_DOUBLE_EQ(block.forward.tensor.link, (6 * tokens + text + sums) * 7 / 8);
}

TEST(Operations, RunningAgainCostsAForward) {
  const Cluster on = cluster(1);
  const std::vector<std::string> layout = {"parallel.tensor=8"};
  const PartTimes none = operations(on, layout).block(),
                  block = operations(on, layout, false, Recompute::kBlock).block(),
                  attention = operations(on, layout, false, Recompute::kAttention).block();
  EXPECT_DOUBLE_EQ(block.total() - none.total(), none.forward.total());
  EXPECT_GT(attention.total(), none.total());
  EXPECT_LT(attention.total(), block.total());
}

}  // namespace
}  // namespace muybridge
