#include "train/plan/estimate.h"

#include <gtest/gtest.h>

#include "model/dit_parallel.h"
#include "tests/train/plan/plan_cases.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

using testing::cluster;
using testing::estimate_of;
using testing::plan_config;

// A chip that only computes: 1e12 operations a second, all else takes no time. The backward of
// attention has 2.5 times its forward where the model needs 2, and patches need no gradient.
TEST(Estimate, MfuIsTheHandFormulaOnAnIdealChip) {
  const TrainConfig config = plan_config();
  const Workload work = workload_of(config, 128);
  const Estimate e = estimate_of(cluster(1, 1, "ideal"));
  const double n = 4096, s = 129, d = 1024, w = 512, p = 64;
  const double attention = 2 * 16 * 2 * d * n * (n + s) + 2 * 2 * 2 * w * s * s;
  const double patches = 2 * n * d * p;
  const double really = work.operations() + 0.5 * attention - patches;
  EXPECT_NEAR(e.seconds(), 64 * really / 1e12, 1e-9 * e.seconds());
  EXPECT_NEAR(e.mfu, work.operations() / really, 1e-9);
  EXPECT_LT(e.mfu, 1);
}

TEST(Estimate, MfuIsOperationsOverTimeRanksAndPeak) {
  const Estimate e = estimate_of(cluster(4), {"parallel.tensor=4", "parallel.pipeline=2"});
  const double operations = 64 * workload_of(plan_config(), 128).operations();
  EXPECT_DOUBLE_EQ(e.mfu, operations / (e.seconds() * 32 * 989e12));
  EXPECT_GT(e.mfu, 0);
  EXPECT_LT(e.mfu, 1);
}

TEST(Estimate, PartsAddUpToTheStep) {
  const Estimate e = estimate_of(cluster(2), {"parallel.tensor=2", "parallel.pipeline=4"});
  double sum = 0;
  for (const Item& item : items(e.step)) {
    EXPECT_GE(item.value, 0) << item.key;
    sum += item.value;
  }
  EXPECT_DOUBLE_EQ(e.seconds(), sum);
  EXPECT_GT(e.step.bubble, 0);
}

// The schedule is made for what training reckons with, not for the times of a chip.
TEST(Estimate, IsOfTheScheduleThatTrainingRuns) {
  for (const char* recompute : {"none", "attention", "block"}) {
    const TrainConfig config =
        plan_config({"parallel.pipeline=4", "parallel.schedule=tuned", "batch.micro_batches=12",
                     std::string("model.recompute=") + recompute});
    StepModel model(cluster(1, 4), workload_of(config, 128));
    const PipelineSchedule planned = model.timeline(layout_of(config, 4)).schedule;
    const PipelineSchedule run = schedule_of(config, 12);
    for (std::size_t rank = 0; rank < 4; ++rank)
      EXPECT_EQ(to_string(planned.ranks[rank]), to_string(run.ranks[rank])) << recompute;
  }
}

// What weight gradients that are put off would keep is what running blocks again saves.
TEST(Estimate, TunedHoldsLittleMoreThan1F1BWhereBlocksRunAgain) {
  const auto activations = [](const char* schedule) {
    const TrainConfig config =
        plan_config({"parallel.pipeline=4", "batch.micro_batches=12", "model.recompute=block",
                     std::string("parallel.schedule=") + schedule});
    StepModel model(cluster(1, 4), workload_of(config, 128));
    return model.estimate(layout_of(config, 4)).memory.activations;
  };
  EXPECT_LE(activations("tuned"), 1.15 * activations("1f1b"));
  EXPECT_GE(activations("zb_v"), 2 * activations("1f1b"));
}

// The plan's bubble is the simulator's, with every micro-batch.
TEST(Estimate, BubbleIsThatOfTheSimulation) {
  const TrainConfig config =
      plan_config({"parallel.pipeline=4", "parallel.schedule=zb_h1", "batch.micro_batches=12"});
  StepModel model(cluster(1, 4), workload_of(config, 128));
  const Layout layout = layout_of(config, 4);
  const Estimate e = model.estimate(layout);
  const SimulatedStep& line = model.timeline(layout);
  EXPECT_EQ(line.schedule.micro_batches, 12);
  EXPECT_NEAR(e.bubble, line.simulation.bubble, 1e-9);
  EXPECT_NEAR(e.step.bubble, line.simulation.bubble * line.simulation.finish, 1e-9);
}

TEST(Estimate, FallsWithFasterLinks) {
  for (const char* layout : {"parallel.tensor=8", "parallel.context=8", "parallel.pipeline=8"}) {
    double before = 1e9, fewest = 1e9;
    for (const double speed : {1e9, 1e10, 1e11, 1e12}) {
      Cluster link = cluster(8), network = cluster(8);
      link.chip.link = network.chip.network = speed;
      const double by_link = estimate_of(link, {layout}).seconds();
      const double by_network = estimate_of(network, {layout}).seconds();
      EXPECT_LE(by_link, before) << layout;
      EXPECT_LE(by_network, fewest) << layout;
      before = by_link, fewest = by_network;
    }
  }
  Cluster slow = cluster(1), fast = cluster(1);
  slow.chip.link = 1e10, fast.chip.link = 1e12;
  EXPECT_GT(estimate_of(slow, {"parallel.tensor=8"}).seconds(),
            1.1 * estimate_of(fast, {"parallel.tensor=8"}).seconds());
}

TEST(Estimate, OverNodesCostsMoreThanWithin) {
  for (const char* layout : {"parallel.tensor=8", "parallel.context=8"}) {
    const Estimate within = estimate_of(cluster(1, 8), {layout}),
                   over = estimate_of(cluster(4, 2), {layout});
    EXPECT_GT(over.seconds(), within.seconds()) << layout;
    EXPECT_EQ(within.traffic[0].network + within.traffic[1].network, 0) << layout;
    EXPECT_GT(over.traffic[0].network + over.traffic[1].network, 0) << layout;
  }
}

TEST(Estimate, SumsOfGradientsHideBehindTheLastBackward) {
  Cluster on = cluster(2);
  EXPECT_EQ(estimate_of(on).step.gradients, 0);
  on.chip.network = 1e8;
  EXPECT_GT(estimate_of(on).step.gradients, 0);
}

Estimate with(int zero, const std::vector<std::string>& overrides = {}) {
  const TrainConfig config = plan_config(overrides);
  StepModel model(cluster(2), workload_of(config, 128));
  Layout layout = layout_of(config, 16);
  layout.zero = zero;
  return model.estimate(layout);
}

TEST(Estimate, ZeroTakesLessMemoryForMuchTheSameTraffic) {
  double memory = 1e15, traffic = 0;
  for (const int zero : {0, 1, 2, 3}) {
    const Estimate e = with(zero);
    EXPECT_LT(e.memory.total() - e.memory.snapshot, memory) << zero;
    memory = e.memory.total() - e.memory.snapshot;
    double all = 0;
    for (const AxisTraffic& axis : e.traffic) all += axis.link + axis.network;
    EXPECT_GE(all, traffic * 0.74) << zero;  // bf16 weights come back for f32 gradients
    traffic = all;
  }
  EXPECT_GT(with(1).step.weights, 0);
  EXPECT_LT(with(1).step.optimizer, with(0).step.optimizer);
}

TEST(Estimate, MuonCostsMore) {
  EXPECT_GT(estimate_of(cluster(2), {"optimizer.matrices=muon"}).step.optimizer,
            estimate_of(cluster(2)).step.optimizer);
}

// Of a stage: 16 bytes of f32 state, bf16 weights, gradients.
TEST(Estimate, MemoryIsThatOfTheFormulaThatTrainingAsks) {
  const std::vector<std::string> layout = {"parallel.pipeline=4", "parallel.data=2"};
  const Estimate e = estimate_of(cluster(1), layout);
  const TrainConfig config = plan_config(layout);
  const std::vector<Holdings> stages = holdings_of(dit_options(config), 1, placement_of(config));
  const Holdings& held = stages[static_cast<std::size_t>(e.largest_stage)];
  EXPECT_DOUBLE_EQ(e.memory.state(), static_cast<double>(held.flat) * (2 + 4 + 16));
  EXPECT_EQ(e.largest_stage, 0);
  EXPECT_TRUE(e.fits);
  EXPECT_FALSE(estimate_of(cluster(1, 1), {"model.width=8192", "model.heads=64",
                                           "model.mlp_width=32768", "batch.micro_batches=1"})
                   .fits);
}

TEST(Estimate, ReplicasWithNothingToDoAreWaste) {
  const Estimate all = estimate_of(cluster(8)), half = estimate_of(cluster(16));
  EXPECT_NEAR(half.mfu / all.mfu, 0.5, 0.02);
}

// Formulas only choose what to simulate: they may be hopeful, and not far off.
TEST(Estimate, OutlineIsHopefulAndNear) {
  for (const auto& layout : std::vector<std::vector<std::string>>{
           {"parallel.tensor=8"},
           {"parallel.pipeline=8"},
           {"parallel.pipeline=4", "parallel.schedule=interleaved"},
           {"parallel.pipeline=8", "parallel.schedule=zb_h1"},
           {"parallel.pipeline=8", "parallel.schedule=zb_v"}}) {
    const TrainConfig config = plan_config(layout);
    StepModel model(cluster(2), workload_of(config, 128));
    const Layout said = layout_of(config, 16);
    const Estimate outline = model.outline(said), estimate = model.estimate(said);
    EXPECT_LE(outline.seconds(), 1.02 * estimate.seconds()) << layout.back();
    EXPECT_GE(outline.seconds(), 0.75 * estimate.seconds()) << layout.back();
    EXPECT_NEAR(outline.memory.activations / estimate.memory.activations, 1, 0.25) << layout.back();
  }
}

}  // namespace
}  // namespace muybridge
