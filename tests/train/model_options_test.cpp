#include "train/model_options.h"

#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "train/load_config.h"

namespace muybridge {
namespace {

TrainConfig config(const std::vector<std::string>& overrides) {
  std::vector<std::string> all = {"parallel.pipeline=2"};
  all.insert(all.end(), overrides.begin(), overrides.end());
  return parse_train_config(
      "run: {name: x}\ndata: {train: x}\nmodel: {depth: 12}\ntrain: {steps: 1}\n", "test", all);
}

std::string first_rank(const std::vector<std::string>& overrides) {
  return to_string(computations(schedule_of(config(overrides), 3).ranks.front()));
}

TEST(ModelOptions, TheScheduleIsTheOneAskedFor) {
  EXPECT_EQ(first_rank({}), "F0 F1 B0 F2 B1 B2");
  EXPECT_EQ(first_rank({"parallel.schedule=gpipe"}).substr(0, 8), "F0 F1 F2");
  std::set<std::string> all;
  for (const char* kind : {"gpipe", "1f1b", "interleaved", "zb_h1", "zb_v", "tuned"})
    all.insert(first_rank({std::string("parallel.schedule=") + kind}));
  EXPECT_EQ(all.size(), 6U);
}

TEST(ModelOptions, ARankHasAsManyPartsAsWasSaidOrAsTheScheduleHas) {
  const auto parts = [](const std::vector<std::string>& overrides) {
    return placement_of(config(overrides)).virtual_stages;
  };
  EXPECT_EQ(parts({}), 1);
  EXPECT_EQ(parts({"parallel.schedule=zb_v"}), 2);
  EXPECT_EQ(parts({"parallel.schedule=interleaved"}), 2);
  EXPECT_EQ(parts({"parallel.schedule=interleaved", "parallel.virtual_stages=3"}), 3);
  EXPECT_EQ(parts({"parallel.schedule=tuned", "parallel.virtual_stages=4"}), 4);
  EXPECT_NE(first_rank({"parallel.schedule=interleaved", "parallel.virtual_stages=3"}),
            first_rank({"parallel.schedule=interleaved"}));
}

TEST(ModelOptions, EveryAxisOfTheMeshIsTheConfigurations) {
  const MeshSizes sizes =
      mesh_sizes(config({"parallel.data=5", "parallel.tensor=4", "parallel.context=2",
                         "parallel.context_method=ring"}));
  EXPECT_EQ(sizes, (MeshSizes{.data = 5, .tensor = 4, .context = 2, .pipeline = 2, .ring = 2}));
}

TEST(ModelOptions, WhatIsMadeAgainIsWhatWasAskedFor) {
  const auto recompute = [](const std::string& word) {
    return dit_options(config({"model.recompute=" + word})).recompute;
  };
  EXPECT_EQ(dit_options(config({})).recompute, Recompute::kNone);
  EXPECT_EQ(recompute("none"), Recompute::kNone);
  EXPECT_EQ(recompute("attention"), Recompute::kAttention);
  EXPECT_EQ(recompute("block"), Recompute::kBlock);
  EXPECT_THROW(recompute("blocks"), Error);
}

TEST(ModelOptions, BlocksMultiplyWhatWasAskedFor) {
  EXPECT_EQ(dit_options(config({})).linear, BlockProducts::kOfPrecision);
  EXPECT_EQ(dit_options(config({"train.linear=fp8"})).linear, BlockProducts::kFp8);
  EXPECT_THROW(dit_options(config({"train.linear=fp4"})), Error);
}

TEST(ModelOptions, ClipsAreDrawnWithTheSolverAndTheShiftThatWereAskedFor) {
  const auto sampler = [](const std::vector<std::string>& overrides) {
    return render_options(config(overrides)).sampler;
  };
  EXPECT_EQ(sampler({}).solver, Solver::kEuler);
  for (const std::string& word : solver_words())
    EXPECT_EQ(sampler({"eval.solver=" + word}).solver, solver_from(word)) << word;
  EXPECT_EQ(sampler({}).shift, 3);
  EXPECT_EQ(sampler({"flow.shift=2"}).shift, 2) << "eval.shift is 0: as training";
  EXPECT_EQ(sampler({"flow.shift=2", "eval.shift=5"}).shift, 5);
  EXPECT_EQ(flow_options(config({"flow.shift=2", "eval.shift=5"})).shift, 2);
  EXPECT_THROW(sampler({"eval.shift=-1"}), Error);
}

TEST(ModelOptions, TheRingIsOfAllContextRanksOrOfThoseThatWereAskedFor) {
  const auto sizes = [](const std::vector<std::string>& more) {
    std::vector<std::string> overrides = {"parallel.context=4"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return mesh_sizes(config(overrides));
  };
  EXPECT_EQ(sizes({}).ring, 1);
  EXPECT_EQ(sizes({"parallel.context_method=ring"}).ring, 4);
  const MeshSizes nested = sizes({"parallel.context_method=ring", "parallel.ring=2"});
  EXPECT_EQ(nested.ring, 2);
  EXPECT_EQ(nested.sharing(), 2);
  EXPECT_THROW(sizes({"parallel.context_method=ring", "parallel.ring=1"}), Error);  // is Ulysses
}

// At long clips most of the time is attention, which has no gradients of weights to fill gaps with.
TEST(ModelOptions, ATunedScheduleIsMadeForTheClipsAndWhatIsMadeAgain) {
  const auto orders = [](const std::vector<std::string>& more) {
    std::vector<std::string> overrides = {"parallel.pipeline=4", "parallel.schedule=tuned",
                                          "model.depth=8", "batch.tokens=65536"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    std::string all;
    for (const Order& order : schedule_of(config(overrides), 12).ranks) all += to_string(order);
    return all;
  };
  const std::string shorter = orders({"eval.frames=16", "eval.size=32x32"});
  EXPECT_EQ(orders({"eval.frames=16", "eval.size=32x32"}), shorter);
  EXPECT_NE(orders({"eval.frames=256", "eval.size=128x128"}), shorter);
  EXPECT_NE(orders({"eval.frames=16", "eval.size=32x32", "model.recompute=block"}), shorter);
}

}  // namespace
}  // namespace muybridge
