#include "train/records/run_records.h"

#include <gtest/gtest.h>

#include "core/system/file.h"
#include "tests/train/scratch_folder.h"

namespace muybridge {
namespace {

class RunRecordsTest : public ::testing::Test {
 protected:
  RunRecordsTest() { std::filesystem::create_directories(run_.tensorboard()); }

  static StepMetrics metrics(std::int64_t step) {
    return {.step = step, .loss = 0.5, .tokens = 100, .seconds = 0.25};
  }
  std::string events() const {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(run_.tensorboard()))
      all += read_file(entry.path());
    return all;
  }

  const testing::ScratchFolder folder_;
  const RunFolder run_{folder_.path()};
};

TEST_F(RunRecordsTest, AStepIsALineAndNumbersForTensorBoard) {
  RunRecords records(run_, 0, 10, 1000);
  records.add(metrics(1));
  EXPECT_EQ(events().find("eval/"), std::string::npos);
  StepMetrics evaluated = metrics(2);
  evaluated.extra = {{"validation_loss", 0.75}, {"evaluation_error", "no words"}};
  records.add(evaluated);
  EXPECT_EQ(records.last_step(), 2);
  EXPECT_EQ(read_file(run_.metrics()),
            to_json(metrics(1)).dump() + "\n" + to_json(evaluated).dump() + "\n");
  for (const char* tag : {"train/loss", "train/grad_norm", "train/learning_rate",
                          "speed/tokens_per_second", "eval/validation_loss"})
    EXPECT_NE(events().find(tag), std::string::npos) << tag;
  EXPECT_EQ(events().find("eval/evaluation_error"), std::string::npos);
}

TEST_F(RunRecordsTest, WhatCameAfterTheStepItGoesOnFromIsGone) {
  RunRecords(run_, 0, 10, 1000).add(metrics(1));
  {
    RunRecords records(run_, 1, 10, 1000);
    for (const int step : {2, 3}) records.add(metrics(step));
  }
  const RunRecords again(run_, 2, 10, 1000);
  EXPECT_EQ(again.last_step(), 2);
}

}  // namespace
}  // namespace muybridge
