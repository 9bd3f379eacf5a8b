// Other commands on the folder of a run that is training.
#include "tests/train/training_run.h"

namespace muybridge {
namespace {

class BesideTraining : public testing::TrainingRun {};

// Both write the same clips, report and gallery, and the training removes the commit that the
// evaluation reads, step after step.
TEST_F(BesideTraining, EvaluationsAndTheTrainingDoNotDisturbEachOther) {
  testing::Job job(train(1, "run",
                         "train.steps=100000 train.checkpoint_every=1 train.keep_checkpoints=1 "
                         "eval.every=1"),
                   scratch_ / "log");
  job.wait_for_lines(run("run") / "metrics.jsonl", 2);
  const std::string evaluate = fmt::format("{} evaluate {}", kBinary, run("run").string());
  for (int round = 0; round < 4; ++round) {
    testing::Job first(evaluate, scratch_ / "first"), second(evaluate, scratch_ / "second");
    EXPECT_EQ(first.wait(), 0) << read_file(scratch_ / "first");
    EXPECT_EQ(second.wait(), 0) << read_file(scratch_ / "second");
  }
  ASSERT_TRUE(job.running()) << log();
  ::kill(job.pid(), SIGUSR1);
  EXPECT_EQ(job.wait(), 75) << log();
  EXPECT_FALSE(log_has("failed")) << log();
  for (const nlohmann::json& line : metrics("run")) EXPECT_FALSE(line.contains("evaluation_error"));
}

}  // namespace
}  // namespace muybridge
