#include "train/trainer.h"

#include <random>

#include "tests/train/training_run.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;
using testing::Job;

class TrainerTest : public testing::TrainingRun {};

TEST_F(TrainerTest, TheSameRunTwiceGivesTheSameBytes) {
  ASSERT_EQ(run_to_end(train(2, "a")), 0) << log();
  ASSERT_EQ(run_to_end(train(2, "b")), 0) << log();
  EXPECT_EQ(result("a"), result("b"));
  EXPECT_EQ(hash_file(run("a") / "samples/step-00000012/clip-000.mp4"),
            hash_file(run("b") / "samples/step-00000012/clip-000.mp4"));
}

// With three ranks one has two of the four micro-batches, with five one has none.
TEST_F(TrainerTest, AnyNumberOfRanksTrainsTheSameCurveForFiftySteps) {
  for (const int ranks : {1, 2, 3, 4, 5})
    ASSERT_EQ(run_to_end(train(ranks, fmt::format("np{}", ranks),
                               "train.steps=50 train.checkpoint_every=0")),
              0)
        << log();
  EXPECT_TRUE(log_has("1 of 5 ranks has nothing to do")) << log();
  const std::vector<double> one = losses("np1");
  ASSERT_EQ(one.size(), 50U);
  EXPECT_LT(one.back(), 0.8 * one.front());
  for (const char* name : {"np2", "np3", "np4", "np5"}) {
    const std::vector<double> other = losses(name);
    ASSERT_EQ(other.size(), one.size());
    for (std::size_t i = 0; i < one.size(); ++i)
      EXPECT_NEAR(other[i] / one[i], 1.0, 1e-5) << name << " step " << i + 1;
  }
}

TEST_F(TrainerTest, GoesOnOnAnotherNumberOfRanks) {
  ASSERT_EQ(run_to_end(train(1, "whole", "train.steps=18")), 0) << log();
  ASSERT_EQ(run_to_end(train(2, "moved", "train.steps=6")), 0) << log();
  ASSERT_EQ(run_to_end(train(3, "moved", "train.steps=12")), 0) << log();
  EXPECT_EQ(went_on_after(), 6);
  ASSERT_EQ(run_to_end(train(1, "moved", "train.steps=18")), 0) << log();
  EXPECT_EQ(went_on_after(), 12);
  const std::vector<double> whole = losses("whole"), moved = losses("moved");
  ASSERT_EQ(moved.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i)
    EXPECT_NEAR(moved[i] / whole[i], 1.0, 1e-5) << "step " << i + 1;
}

// A start in each layout makes three steps of one curve, from what another layout committed.
TEST_F(TrainerTest, GoesOnInAnotherLayout) {
  struct Start {
    int ranks;
    std::string layout;
  };
  const std::vector<Start> starts = {{2, "parallel.tensor=2"},
                                     {4, "parallel.pipeline=2 parallel.tensor=2"},
                                     {3, "parallel.data=3"},
                                     {3, "parallel.zero=3"},
                                     {4, "parallel.context=2 parallel.pipeline=2"},
                                     {4, "parallel.tensor=2 parallel.zero=1"},
                                     {1, ""}};
  const std::string common = "eval.every=100 optimizer.schedule=constant";
  ASSERT_EQ(run_to_end(train(1, "one", common + " train.steps=21")), 0) << log();
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto steps = static_cast<int>(3 * (i + 1));
    ASSERT_EQ(
        run_to_end(train(starts[i].ranks, "many",
                         fmt::format("{} train.steps={} {}", common, steps, starts[i].layout))),
        0)
        << log();
    EXPECT_EQ(went_on_after(), steps - 3) << log();
  }
  const std::vector<double> one = losses("one"), many = losses("many");
  ASSERT_EQ(many.size(), one.size());
  for (std::size_t step = 0; step < one.size(); ++step)
    EXPECT_NEAR(many[step] / one[step], 1, 1e-5) << "step " << step + 1;
}

// Stopped and started in between, seen to go on: a start anew would end with the same bytes.
TEST_F(TrainerTest, GoesOnInTheSameLayoutToTheSameBytes) {
  struct Layout {
    int ranks;
    const char* words;
  };
  constexpr Layout kLayouts[] = {
      {2, "parallel.tensor=2"},
      {2, "parallel.pipeline=2 parallel.schedule=zb_v batch.micro_batches=3"},
      {2, "parallel.context=2 parallel.context_method=ring"},
      {3, "parallel.zero=3 batch.micro_batches=4"},
      {4, "parallel.tensor=2 parallel.pipeline=2 parallel.schedule=interleaved parallel.zero=1"}};
  int number = 0;
  for (const Layout& layout : kLayouts) {
    const std::string whole = fmt::format("whole-{}", ++number), parts = whole + "-in-parts";
    const auto train_to = [&](const std::string& name, int steps) {
      return run_to_end(
          train(layout.ranks, name,
                fmt::format("model.depth=4 eval.every=100 optimizer.schedule=constant "
                            "train.steps={} {}",
                            steps, layout.words)));
    };
    ASSERT_EQ(train_to(whole, 6), 0) << log();
    ASSERT_EQ(train_to(parts, 4), 0) << log();
    ASSERT_EQ(train_to(parts, 6), 0) << log();
    EXPECT_EQ(went_on_after(), 4) << layout.words;
    EXPECT_EQ(losses(parts), losses(whole)) << layout.words;
    EXPECT_EQ(weights(parts), weights(whole)) << layout.words;
  }
}

// Each start is seen to go on from the newest commit that the kill left: a start anew would end
// with the same bytes.
TEST_F(TrainerTest, KilledAtRandomMomentsItEndsAsIfNeverKilled) {
  constexpr std::size_t kSteps = 120;
  constexpr int kKills = 16;
  const std::string length = fmt::format("train.steps={} train.checkpoint_every=8", kSteps);
  ASSERT_EQ(run_to_end(train(2, "whole", length)), 0) << log();
  const std::string expected = result("whole");
  std::mt19937 random(7);
  int kills = 0, resumed = 0;
  for (int number = 1; kills < kKills; ++number) {
    ASSERT_LE(number, 3 * kKills) << "runs end before they are killed: " << kills << " kills";
    const std::string name = fmt::format("killed-{}", number);
    std::int64_t committed_before = 0;
    for (int code = -1; code != 0;) {
      fs::remove(scratch_ / "log");
      Job job(train(2, name, length), scratch_ / "log");
      const bool to_be_killed = kills < kKills;
      bool killed = false;
      // Anywhere: before the first step, between steps, within commits and evaluations.
      if (to_be_killed) job.wait_for_lines(run(name) / "metrics.jsonl", random() % (kSteps + 2));
      if (to_be_killed && job.running()) {
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
        const std::vector<pid_t> ranks = job.children();
        switch (random() % 3) {
          case 0:  // one rank
            if (!ranks.empty()) ::kill(ranks[random() % ranks.size()], SIGKILL);
            break;
          case 1:  // all ranks
            for (const pid_t rank : ranks) ::kill(rank, SIGKILL);
            break;
          default:  // mpirun: its ranks notice and end
            ::kill(job.pid(), SIGKILL);
        }
        killed = true;
        ++kills;
      }
      code = job.wait();
      if (!killed) {
        ASSERT_EQ(code, 0) << name << ", which nobody killed, failed:\n" << log();
      }
      const bool got_under_way = log_has("parameters, 26 clips");
      if (got_under_way) {
        EXPECT_GE(went_on_after(), committed_before) << name << "\n" << log();
        resumed += committed_before > 0 ? 1 : 0;
      }
      committed_before = committed(name);
    }
    EXPECT_EQ(result(name), expected) << name;
  }
  EXPECT_GT(resumed, 5);
}

TEST_F(TrainerTest, ASignalCommitsAndAsksToBeStartedAgain) {
  const std::string length = "train.steps=100000 train.checkpoint_every=0 eval.samples=0";
  Job job(train(1, "stopped", length), scratch_ / "log");
  job.wait_for_lines(run("stopped") / "metrics.jsonl", 3);
  ::kill(job.pid(), SIGUSR1);
  EXPECT_EQ(job.wait(), 75) << log();
  EXPECT_FALSE(log_has("error")) << log();
  const std::int64_t done = committed("stopped");
  ASSERT_GE(done, 3);
  const std::string to_the_end =
      fmt::format("train.steps={} train.checkpoint_every=0 eval.samples=0", done + 20);
  ASSERT_EQ(run_to_end(train(1, "stopped", to_the_end)), 0) << log();
  EXPECT_EQ(went_on_after(), done);
  ASSERT_EQ(run_to_end(train(1, "whole", to_the_end)), 0) << log();
  EXPECT_EQ(result("stopped"), result("whole"));
}

TEST_F(TrainerTest, ADivergedRunStopsAtTheLastCommitAndNamesStepAndClips) {
  EXPECT_EQ(run_to_end(train(2, "wild",
                             "optimizer.learning_rate=1e30 optimizer.clip_norm=0 "
                             "train.checkpoint_every=1 optimizer.warmup_steps=0")),
            70);
  EXPECT_TRUE(log_has("clips whose loss is not finite: [")) << log();
  EXPECT_TRUE(log_has("step 2:")) << log();
  EXPECT_TRUE(log_has("the last good commit is of step 1")) << log();
  EXPECT_EQ(shell(fmt::format("{} checkpoint verify {}", kBinary, run("wild").string())), 0);
}

TEST_F(TrainerTest, FineTuningStartsFromTheWeightsOfAnotherRun) {
  ASSERT_EQ(run_to_end(train(1, "first", "train.steps=60 train.checkpoint_every=0")), 0) << log();
  ASSERT_EQ(
      run_to_end(train(1, "second",
                       fmt::format("train.steps=3 train.init_from={}", run("first").string()))),
      0)
      << log();
  ASSERT_EQ(run_to_end(train(1, "scratch", "train.steps=3")), 0) << log();
  EXPECT_LT(losses("second").front(), 0.8 * losses("scratch").front());
}

}  // namespace
}  // namespace muybridge
