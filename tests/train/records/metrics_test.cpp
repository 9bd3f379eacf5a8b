#include "train/records/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "core/system/file.h"
#include "tests/train/scratch_folder.h"

namespace muybridge {
namespace {

using testing::ScratchFolder;

StepMetrics metrics(std::int64_t step) {
  return {.step = step,
          .loss = 1.0 / static_cast<double>(step),
          .grad_norm = 2.5,
          .learning_rate = 1e-4,
          .tokens = 4096,
          .seconds = 0.5,
          .tflops = 0.25,
          .data_wait = 0.01,
          .extra = {{"validation_loss", 0.5}}};
}

std::vector<std::int64_t> steps_in(const std::filesystem::path& path) {
  std::vector<std::int64_t> steps;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);)
    steps.push_back(nlohmann::json::parse(line).at("step"));
  return steps;
}

TEST(Metrics, ALineHasTheKeysThatReadersWait) {
  const ScratchFolder folder;
  MetricsLog log(folder / "m", 0);
  log.append(metrics(1));
  EXPECT_EQ(read_file(folder / "m"),
            "{\"step\":1,\"loss\":1.0,\"grad_norm\":2.5,\"learning_rate\":0.0001,\"tokens\":4096,"
            "\"seconds\":0.5,\"tflops\":0.25,\"data_wait\":0.01,\"validation_loss\":0.5}\n");
}

TEST(Metrics, NumbersComeBackExactly) {
  const ScratchFolder folder;
  MetricsLog log(folder / "m", 0);
  StepMetrics odd = metrics(3);
  odd.loss = 0.1 + 0.2;
  odd.grad_norm = NAN;
  log.append(odd);
  const auto line = nlohmann::json::parse(read_file(folder / "m"));
  EXPECT_EQ(line["loss"].get<double>(), 0.1 + 0.2);
  EXPECT_TRUE(line["grad_norm"].is_null());
}

TEST(Metrics, AStepComesBackFromItsLine) {
  const StepMetrics step = metrics(3);
  EXPECT_EQ(to_json(step_metrics_from(to_json(step))), to_json(step));
  EXPECT_THROW(step_metrics_from({{"step", 3}}), nlohmann::json::exception);
}

TEST(Metrics, KnowsItsLastStep) {
  const ScratchFolder folder;
  MetricsLog log(folder / "m", 0);
  EXPECT_EQ(log.last_step(), 0);
  for (int step = 1; step <= 4; ++step) log.append(metrics(step));
  EXPECT_EQ(log.last_step(), 4);
  EXPECT_EQ(MetricsLog(folder / "m", 9).last_step(), 4);
  EXPECT_EQ(MetricsLog(folder / "m", 3).last_step(), 3);
}

TEST(Metrics, GoingOnMakesTheFileOfARunThatWasNeverStopped) {
  const ScratchFolder folder;
  const auto write = [](const std::filesystem::path& path, std::int64_t from, std::int64_t to) {
    MetricsLog log(path, from - 1);
    for (std::int64_t step = from; step <= to; ++step) log.append(metrics(step));
    log.sync();
  };
  write(folder / "never", 1, 9);
  write(folder / "stopped", 1, 7);
  // Killed while it wrote the line of step 8; the last commit was at 5.
  std::ofstream(folder / "stopped", std::ios::app) << "{\"step\":8,\"lo";
  write(folder / "stopped", 6, 9);
  EXPECT_EQ(read_file(folder / "stopped"), read_file(folder / "never"));
}

TEST(Metrics, LinesThatAreNoMetricsGo) {
  const ScratchFolder folder;
  std::ofstream(folder / "m") << "{\"step\":1}\nrubbish\n{\"step\":\"2\"}\n[3]\n\n{\"step\":2}\n"
                                 "{\"step\":3}\n";
  MetricsLog log(folder / "m", 2);
  EXPECT_EQ(steps_in(folder / "m"), (std::vector<std::int64_t>{1, 2}));
}

TEST(Metrics, LinesThatGoAreSaid) {
  const ScratchFolder folder;
  const auto said = [&](const std::string& content) {
    std::ofstream(folder / "m") << content;
    ::testing::internal::CaptureStderr();
    const MetricsLog log(folder / "m", 2);
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_NE(said("rubbish\n{\"step\":1}\n").find("m: 1 line was no metrics and is gone"),
            std::string::npos);
  EXPECT_NE(said("rubbish\n\n{\"step\":1}\n").find("m: 2 lines were no metrics and are gone"),
            std::string::npos);
  EXPECT_EQ(said("{\"step\":1}\n{\"step\":3}\n"), "");
}

TEST(Metrics, StartingAnewEmptiesTheFile) {
  const ScratchFolder folder;
  MetricsLog(folder / "m", 0).append(metrics(1));
  const MetricsLog anew(folder / "m", 0);
  EXPECT_EQ(read_file(folder / "m"), "");
}

TEST(Metrics, ALineNeedsAStep) {
  const ScratchFolder folder;
  EXPECT_THROW(MetricsLog(folder / "m", 0).append(nlohmann::ordered_json{{"loss", 1}}),
               std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
