#include "train/plan/report.h"

#include <gtest/gtest.h>

#include "tests/train/plan/plan_cases.h"

namespace muybridge {
namespace {

using testing::cluster;
using testing::plan_config;

struct Planned {
  StepModel model;
  Estimate said;
  SearchResult found;

  explicit Planned(const std::vector<std::string>& overrides, const Cluster& on = cluster(2))
      : model(on, workload_of(plan_config(overrides), 128)),
        said(model.estimate(layout_of(plan_config(overrides), on.ranks()))),
        found(search_layouts(model, {.best = 3})) {}
};

TEST(PlanReport, JsonHasTheFiguresThatItNames) {
  const Planned plan({"parallel.tensor=2", "parallel.pipeline=2"});
  const nlohmann::ordered_json json = plan_as_json(plan.said, plan.found, plan.model);
  EXPECT_EQ(json.at("ranks"), 16);
  EXPECT_EQ(json.at("gpu"), "h200");
  const auto& said = json.at("configured");
  EXPECT_EQ(said.at("layout").at("tensor"), 2);
  EXPECT_EQ(said.at("layout").at("data"), 4);
  EXPECT_EQ(said.at("layout").at("schedule"), "1f1b");
  double seconds = 0, bytes = 0;
  for (const auto& [key, value] : said.at("step_seconds").items()) seconds += value.get<double>();
  EXPECT_NEAR(seconds, said.at("seconds").get<double>(), 1e-9);
  const auto& memory = said.at("memory_bytes");
  const auto of = [&](const char* key) { return memory.at(key).get<double>(); };
  for (const char* key :
       {"process", "weights", "gradients", "optimizer", "batches", "communication"})
    bytes += of(key);
  bytes += std::max(of("activations") + of("workspace"), of("average_in_place") + of("sampling"));
  EXPECT_NEAR(bytes, of("total"), 1);
  EXPECT_NEAR(said.at("mfu").get<double>(),
              json.at("operations").get<double>() / (seconds * 16 * json.at("peak").get<double>()),
              1e-9);
  EXPECT_GT(said.at("traffic_bytes").at("tensor").at("link").get<double>(), 0);
  EXPECT_EQ(said.at("traffic_bytes").at("tensor").at("network").get<double>(), 0);
  EXPECT_EQ(json.at("best").size(), plan.found.best.size());
  EXPECT_EQ(json.at("best")[0].at("fits"), true);
}

TEST(PlanReport, TableSaysTheSame) {
  const Planned plan({"parallel.tensor=2", "parallel.pipeline=2"});
  const std::string text = describe_plan(plan.said, plan.found, plan.model);
  for (const std::string& part :
       {std::string("16 ranks: 2 nodes of 8 h200"),
        std::string("data 4 tensor 2 context 1 pipeline 2 1f1b"),
        fmt::format("MFU {:.1f}%", 100 * plan.said.mfu), std::string("bubble of the pipeline"),
        overrides_of(plan.found.best[0].layout)})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(PlanReport, SaysWhatDoesNotFitAndWhoHasNothingToDo) {
  Cluster small = cluster(1);
  small.chip.memory = 2e9;
  const Planned plan({"batch.micro_batches=4"}, small);
  const std::string text = describe_plan(plan.said, plan.found, plan.model);
  for (const char* part : {"DOES NOT FIT", "4 of 8 replicas have nothing to do", "none fits"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

}  // namespace
}  // namespace muybridge
