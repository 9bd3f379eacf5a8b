#include "train/plan/layout.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/train/plan/plan_cases.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

using testing::plan_config;

TEST(Layout, IsWhatTheConfigurationSays) {
  const Layout layout = layout_of(
      plan_config({"parallel.tensor=2", "parallel.context=2", "parallel.pipeline=4",
                   "parallel.schedule=interleaved", "parallel.zero=1", "model.recompute=block"}),
      32);
  EXPECT_EQ(layout.sizes, (MeshSizes{.data = 2, .tensor = 2, .context = 2, .pipeline = 4}));
  EXPECT_EQ(layout.schedule, ScheduleKind::kInterleaved);
  EXPECT_EQ(layout.placement.virtual_stages, 2);
  EXPECT_EQ(layout.recompute, Recompute::kBlock);
  EXPECT_EQ(layout.zero, 1);
  EXPECT_EQ(layout.replicas(), 4);
  EXPECT_EQ(layout.micro_batches(9), 5);
}

// What it is told by is what it was told by.
TEST(Layout, OverridesSayIt) {
  const Layout layout = layout_of(
      plan_config({"parallel.tensor=2", "parallel.context=2", "parallel.context_method=ring",
                   "parallel.pipeline=2", "parallel.schedule=zb_v", "parallel.zero=3",
                   "model.recompute=attention"}),
      16);
  std::istringstream words(overrides_of(layout));
  const std::vector<std::string> overrides{std::istream_iterator<std::string>(words), {}};
  EXPECT_EQ(layout_of(plan_config(overrides), 16), layout);
}

// A file may set what the layout has not.
TEST(Layout, OverridesTakeBackWhatAFileSays) {
  const std::vector<std::string> file = {"parallel.context=4",     "parallel.context_method=ring",
                                         "parallel.ring=2",        "parallel.pipeline=2",
                                         "parallel.schedule=zb_v", "parallel.zero=2"};
  for (const std::vector<std::string>& wanted : std::vector<std::vector<std::string>>{
           {"parallel.data=16"}, {"parallel.context=4", "parallel.pipeline=2"}}) {
    const Layout layout = layout_of(plan_config(wanted), 16);
    std::istringstream words(overrides_of(layout));
    std::vector<std::string> overrides = file;
    overrides.insert(overrides.end(), std::istream_iterator<std::string>(words), {});
    EXPECT_EQ(layout_of(plan_config(overrides), 16), layout);
  }
}

TEST(Layout, IsRefusedAsTrainingRefusesIt) {
  for (const auto& [overrides, ranks, reason] :
       {std::tuple{std::vector<std::string>{"parallel.tensor=3"}, 3, "model.text_heads = 8"},
        {{"parallel.pipeline=32"}, 32, "model.depth = 16 blocks"},
        {{"parallel.context=32"}, 32, "model.heads = 16"},
        {{"parallel.tensor=2"}, 5, "needs 4 ranks, the job has 5"}}) {
    try {
      layout_of(plan_config(overrides), ranks);
      FAIL() << overrides[0];
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
    }
  }
}

TEST(Layout, CanBeOnlyWhereItIsNotRefused) {
  const DitOptions model = dit_options(plan_config());
  const auto can = [&](const MeshSizes& sizes) {
    return can_be({.sizes = sizes, .placement = {.stages = sizes.pipeline}}, model, 4096);
  };
  EXPECT_TRUE(can({.tensor = 8, .context = 2, .pipeline = 16}));
  EXPECT_FALSE(can({.tensor = 16}));
  EXPECT_FALSE(can({.context = 3}));
  EXPECT_FALSE(can({.pipeline = 17}));
}

}  // namespace
}  // namespace muybridge
