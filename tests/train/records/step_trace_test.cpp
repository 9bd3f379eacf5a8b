#include "train/records/step_trace.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "core/system/file.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/scratch_folder.h"
#include "tests/train/training_run.h"

namespace muybridge {
namespace {

using nlohmann::json;
using testing::ScratchFolder;

TEST(StepTrace, BeginsWithTheSecondStepAndEndsWithTheRun) {
  using Lane = Timeline::Lane;
  const ScratchFolder folder;
  const RunFolder run{folder / "run"};
  run_local_ranks(2, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh(world);
    Timeline timeline;
    StepTrace trace(5, run, timeline, mesh);
    const auto start = Timeline::Clock::now();
    for (const std::int64_t step : {7, 8, 9}) {
      trace.before(step);
      const auto now = start + step * std::chrono::milliseconds(1);
      const auto after = now + std::chrono::microseconds(40);
      timeline.add(Lane::kWork, fmt::format("F{}", step), now, after);
      timeline.add(Lane::kTravel, "a", now, after);
      timeline.add(Lane::kTravel, "b", now, after);
      timeline.add(Lane::kTravel, "c", after, after + std::chrono::microseconds(1));
      trace.after(step);
    }
    trace.finish();
  });
  const json events =
      json::parse(read_file(run.trace() / "steps-00000008-00000009.json")).at("traceEvents");
  std::map<std::string, int> seen;
  for (const json& event : events) {
    const std::string name = event.at("name");
    ++seen[name];
    if (name == "a") {
      EXPECT_EQ(event.at("dur").get<double>(), 40);
    }
    if (name == "b") {
      EXPECT_EQ(event.at("tid"), 4) << "beside the other that travels at the time";
    }
    if (name == "c") {
      EXPECT_EQ(event.at("tid"), 3);
    }
  }
  EXPECT_EQ(seen["F7"], 0);
  EXPECT_EQ(seen["F8"], 2);
  EXPECT_EQ(seen["F9"], 2);
  EXPECT_EQ(seen["process_name"], 2);
}

// A file is in the place of the folder.
TEST(StepTrace, OneThatCannotBeWrittenCostsThePicture) {
  const ScratchFolder folder;
  const RunFolder run{folder / "run"};
  std::filesystem::create_directories(run.root);
  write_file_durably(run.trace(), "");
  run_local_ranks(2, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh(world);
    Timeline timeline;
    StepTrace trace(1, run, timeline, mesh);
    for (const std::int64_t step : {1, 2, 3}) {
      trace.before(step);
      EXPECT_NO_THROW(trace.after(step));
    }
    EXPECT_FALSE(timeline.on());
    EXPECT_NO_THROW(trace.finish());
  });
}

// A name that is no text, on one of them: the others do not wait for its part.
TEST(StepTrace, WhatOneRankCannotTellCostsThePictureOfAll) {
  const ScratchFolder folder;
  const RunFolder run{folder / "run"};
  run_local_ranks(
      3,
      [&](const std::shared_ptr<Group>& world) {
        const Mesh mesh(world);
        Timeline timeline;
        StepTrace trace(1, run, timeline, mesh);
        trace.before(1);
        trace.after(1);
        trace.before(2);
        const auto now = Timeline::Clock::now();
        timeline.add(Timeline::Lane::kWork, world->rank() == 1 ? "\xff" : "F0", now, now);
        EXPECT_NO_THROW(trace.after(2)) << "rank " << world->rank();
      },
      /*time_limit_seconds=*/5);
  EXPECT_FALSE(std::filesystem::exists(run.trace()));
}

// By the program: a pipeline of two ranks.
class TracedRun : public testing::TrainingRun {};

TEST_F(TracedRun, HasTheWorkOfEachMicroBatchTheWaitsAndWhatTravelled) {
  ASSERT_EQ(run_to_end(train(2, "traced",
                             "train.steps=4 trace.steps=2 parallel.pipeline=2 eval.every=100 "
                             "batch.micro_batches=3 parallel.schedule=zb_h1")),
            0)
      << log();
  const json events = json::parse(read_file(run("traced") / "trace/steps-00000002-00000003.json"))
                          .at("traceEvents");
  std::map<std::pair<int, std::string>, std::vector<std::pair<double, double>>> spans;
  for (const json& event : events)
    if (event.at("ph") == "X")
      spans[{event.at("pid"), event.at("name")}].emplace_back(
          event.at("ts"), event.at("ts").get<double>() + event.at("dur").get<double>());
  for (int rank = 0; rank < 2; ++rank) {
    for (const char* action : {"F0", "F1", "F2", "W0", "W1", "W2"})
      EXPECT_EQ((spans[{rank, action}].size()), 2U) << rank << " " << action;
    EXPECT_GE((spans[{rank, "the optimizer"}].size()), 2U);
    EXPECT_FALSE((spans[{rank, "wait"}].empty()));
  }
  // On one clock: the second stage computes on what the first has made.
  for (std::size_t step = 0; step < 2; ++step)
    for (const char* action : {"F0", "F1", "F2"})
      EXPECT_GE((spans[{1, action}][step].second), (spans[{0, action}][step].second))
          << action << " of step " << step;
}

}  // namespace
}  // namespace muybridge
