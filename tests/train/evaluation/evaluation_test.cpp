#include "train/evaluation/evaluation.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/system/file.h"

namespace muybridge {
namespace {

TEST(WriteReport, HasTheNumberOfClipsAndTheLevelOfChanceBesideEachScoreAndOfAllPrompts) {
  const RunFolder run{std::filesystem::path(::testing::TempDir()) / "report-of-scores"};
  std::filesystem::create_directories(run.root);
  Evaluation evaluation;
  evaluation.known_prompts = 1000;
  evaluation.scores = {{"color", 0.5}};
  evaluation.score_details = {{"color", {.mean = 0.5, .clips = 72, .chance = 0.25}}};
  write_report(run, evaluation, "model", nlohmann::ordered_json::object());
  const auto report = nlohmann::json::parse(read_file(run.report()));
  EXPECT_EQ(report.at("scores").at("color"), 0.5);
  EXPECT_EQ(report.at("score_details").at("color").at("clips"), 72);
  EXPECT_EQ(report.at("score_details").at("color").at("chance"), 0.25);
  EXPECT_EQ(report.at("known_prompts"), 1000);
  std::filesystem::remove_all(run.root);
}

}  // namespace
}  // namespace muybridge
