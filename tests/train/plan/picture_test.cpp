#include "train/plan/picture.h"

#include <gtest/gtest.h>

#include "tests/train/plan/plan_cases.h"

namespace muybridge {
namespace {

using testing::cluster;
using testing::plan_config;

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

// A box for each action of each stage, and a line a stage.
TEST(PlanPicture, ShowsEveryActionOnce) {
  const TrainConfig config =
      plan_config({"parallel.pipeline=4", "parallel.schedule=zb_h1", "batch.micro_batches=6"});
  StepModel model(cluster(1, 4), workload_of(config, 128));
  const Layout layout = layout_of(config, 4);
  const Estimate e = model.estimate(layout);
  const std::string svg = draw_timeline(e, model.timeline(layout), model);
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "<title>F5: "), 4);
  EXPECT_EQ(count(svg, "<title>I5: "), 4);
  EXPECT_EQ(count(svg, "<title>W5: "), 4);
  EXPECT_EQ(count(svg, ">stage "), 4);
  EXPECT_EQ(count(svg, "<title>"), count(svg, "</title>"));
  EXPECT_EQ(count(svg, "<text "), count(svg, "</text>"));
}

TEST(PlanPicture, SaysHowManyMicroBatchesItShows) {
  const TrainConfig config = plan_config({"parallel.pipeline=2", "batch.micro_batches=500"});
  StepModel model(cluster(1, 2), workload_of(config, 128));
  const Layout layout = layout_of(config, 2);
  const Estimate e = model.estimate(layout);
  const std::string svg = draw_timeline(e, model.timeline(layout), model);
  EXPECT_NE(svg.find("500 micro-batches a replica (8 are drawn)"), std::string::npos);
}

}  // namespace
}  // namespace muybridge
