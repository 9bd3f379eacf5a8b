#include "train/stop_request.h"

#include "tests/train/training_run.h"

namespace muybridge {
namespace {

TEST(StopRequest, HasATimeLimitOnlyWhereOneIsGiven) {
  const std::shared_ptr<Group> group = solo_group();
  EXPECT_TRUE(StopRequest(*group, 1e-9).agreed());
  EXPECT_FALSE(StopRequest(*group, 1e9).agreed());
  EXPECT_FALSE(StopRequest(*group, 0).agreed());
}

TEST(StopRequest, ASignalIsOneUntilItsEnd) {
  const std::shared_ptr<Group> group = solo_group();
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    const StopRequest stop(*group, 0);
    EXPECT_FALSE(stop.agreed());
    ::kill(::getpid(), signal);
    for (int tries = 0; tries < 5000 && !stop.agreed(); ++tries) ::usleep(1000);
    EXPECT_TRUE(stop.agreed());
    EXPECT_TRUE(stop.agreed());
  }
}

class StopOfARun : public testing::TrainingRun {
 protected:
  static constexpr const char* kEndless =
      "train.steps=1000000 train.checkpoint_every=0 eval.samples=0";
};

TEST_F(StopOfARun, EverySignalCommitsTheStepThatWasDone) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    const std::string name = fmt::format("run-{}", signal);
    testing::Job job(train(1, name, kEndless), scratch_ / "log");
    job.wait_for_lines(run(name) / "metrics.jsonl", 3);
    ::kill(job.pid(), signal);
    EXPECT_EQ(job.wait(), 75) << log();
    EXPECT_GE(committed(name), 3);
    EXPECT_EQ(metrics(name).back().at("step"), committed(name));
  }
}

// Schedulers signal the processes of one machine, or one process.
TEST_F(StopOfARun, ASignalToOneRankStopsAllOfThemAfterTheSameStep) {
  for (const std::size_t rank : {0, 1, 2}) {
    const std::string name = fmt::format("run-{}", rank);
    testing::Job job(train(3, name, kEndless), scratch_ / "log");
    job.wait_for_lines(run(name) / "metrics.jsonl", 3);
    ASSERT_EQ(job.children().size(), 3U) << log();
    ::kill(job.children()[rank], SIGUSR1);
    EXPECT_EQ(job.wait(), 75) << log();
    EXPECT_GE(committed(name), 3);
    EXPECT_FALSE(log_has("nothing from rank")) << log();
  }
}

}  // namespace
}  // namespace muybridge
