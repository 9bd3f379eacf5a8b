// Whole runs of the real program: mpirun, MP4 files, commits, kills.
#include "train/trainer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "core/file.h"
#include "tests/train/scratch_folder.h"

extern char** environ;

namespace muybridge {
namespace {

namespace fs = std::filesystem;
using testing::ScratchFolder;

const std::string kBinary = MUYBRIDGE_BINARY;
// Open MPI unloads its parts before the address sanitizer looks for what they left.
const std::string kWithoutLeaks = "env ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 ";

// A job in a process group of its own, so that a kill reaches mpirun and all its ranks.
class Job {
 public:
  Job(const std::string& command, const fs::path& log) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const std::string shell_command = "exec " + command;
    const char* const arguments[] = {"sh", "-c", shell_command.c_str(), nullptr};
    EXPECT_EQ(
        posix_spawn(&pid_, "/bin/sh", &files, &attributes, const_cast<char**>(arguments), environ),
        0);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  ~Job() {
    if (pid_ > 0) ::kill(-pid_, SIGKILL);
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  pid_t pid() const { return pid_; }
  // The exit code, 128 + the signal that ended it.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  bool running() const {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0;
  }
  std::vector<pid_t> children() const {
    std::ifstream list(fmt::format("/proc/{}/task/{}/children", pid_, pid_));
    std::vector<pid_t> pids;
    for (pid_t child; list >> child;) pids.push_back(child);
    return pids;
  }

 private:
  pid_t pid_ = -1;
};

class TrainerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    ::setenv("OMP_NUM_THREADS", "1", 1);
    shared_corpus = new ScratchFolder;
    const fs::path clips = *shared_corpus / "clips", prepared = *shared_corpus / "prepared";
    ASSERT_EQ(shell(fmt::format(
                  "{} corpus make shapes {} --clips 30 --validation 4 --size 32x32 --frames 8",
                  kBinary, clips.string())),
              0);
    ASSERT_EQ(shell(fmt::format("{} prepare {} {} --size 16x16", kBinary, clips.string(),
                                prepared.string())),
              0);
    std::ofstream(*shared_corpus / "tiny.yaml") << fmt::format(R"(run: {{name: tiny}}
data: {{train: {}, prefetch: 2}}
model: {{width: 24, depth: 2, heads: 2, mlp_width: 48, text_width: 16, text_depth: 1, text_heads: 2}}
batch: {{tokens: 128, micro_batches: 4}}
optimizer: {{learning_rate: 3e-3, warmup_steps: 5}}
train: {{steps: 12, seed: 3, checkpoint_every: 3}}
eval: {{prompts: [a red circle moving left], samples: 1, steps: 2, frames: 8, size: 16x16, validation_clips: 4}}
)",
                                                               prepared.string());
  }
  static void TearDownTestSuite() { delete shared_corpus; }

  static int shell(const std::string& command) {
    const int status = std::system(("( " + command + " ) >/dev/null 2>&1 </dev/null").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string train(int ranks, const std::string& name, const std::string& overrides = "") const {
    const std::string launcher =
        ranks == 1 ? "" : fmt::format("mpirun --oversubscribe -np {} {}", ranks, kWithoutLeaks);
    return fmt::format("{}{} train {} run.folder={} {}", launcher, kBinary,
                       (*shared_corpus / "tiny.yaml").string(), run(name).string(), overrides);
  }
  fs::path run(const std::string& name) const { return scratch_ / name; }
  int run_to_end(const std::string& command) const { return Job(command, scratch_ / "log").wait(); }
  std::string log() const { return read_file(scratch_ / "log"); }

  // What a run leaves, without what clocks say: metrics and the bytes of its weights and optimizer.
  std::string result(const std::string& name) const {
    std::string text;
    std::ifstream lines(run(name) / "metrics.jsonl");
    for (std::string line; std::getline(lines, line);) {
      const nlohmann::json metrics = nlohmann::json::parse(line);
      text += fmt::format("{} {} {} {}\n", metrics.at("step").dump(), metrics.at("loss").dump(),
                          metrics.at("grad_norm").dump(),
                          metrics.value("validation_loss", nlohmann::json()).dump());
    }
    for (const char* which : {"", "--ema"}) {
      const fs::path out = run(name).string() + ".safetensors";
      EXPECT_EQ(shell(fmt::format("{} checkpoint export {} {} {}", kBinary, run(name).string(),
                                  out.string(), which)),
                0);
      text += hash_file(out) + "\n";
      fs::remove(out);
    }
    return text;
  }
  std::vector<double> losses(const std::string& name) const {
    std::vector<double> values;
    std::ifstream lines(run(name) / "metrics.jsonl");
    for (std::string line; std::getline(lines, line);)
      values.push_back(nlohmann::json::parse(line).at("loss"));
    return values;
  }

  static ScratchFolder* shared_corpus;
  ScratchFolder scratch_;
};

ScratchFolder* TrainerTest::shared_corpus = nullptr;

TEST_F(TrainerTest, TheSameRunTwiceGivesTheSameBytes) {
  ASSERT_EQ(run_to_end(train(2, "a")), 0) << log();
  ASSERT_EQ(run_to_end(train(2, "b")), 0) << log();
  EXPECT_EQ(result("a"), result("b"));
  EXPECT_EQ(hash_file(run("a") / "samples/step-00000012/clip-000.mp4"),
            hash_file(run("b") / "samples/step-00000012/clip-000.mp4"));
}

TEST_F(TrainerTest, AnyNumberOfRanksTrainsTheSameCurveForFiftySteps) {
  for (const int ranks : {1, 2, 4})
    ASSERT_EQ(run_to_end(train(ranks, fmt::format("np{}", ranks),
                               "train.steps=50 train.checkpoint_every=0")),
              0)
        << log();
  const std::vector<double> one = losses("np1");
  ASSERT_EQ(one.size(), 50U);
  EXPECT_LT(one.back(), 0.8 * one.front());
  for (const char* name : {"np2", "np4"}) {
    const std::vector<double> other = losses(name);
    ASSERT_EQ(other.size(), one.size());
    for (std::size_t i = 0; i < one.size(); ++i)
      EXPECT_NEAR(other[i] / one[i], 1.0, 1e-5) << name << " step " << i + 1;
  }
}

TEST_F(TrainerTest, KilledAtRandomMomentsItEndsAsIfNeverKilled) {
  const std::string length = "train.steps=120 train.checkpoint_every=8";
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(run_to_end(train(2, "whole", length)), 0) << log();
  const std::chrono::duration<double> duration = std::chrono::steady_clock::now() - begin;
  const std::string expected = result("whole");
  std::mt19937 random(7);
  std::uniform_real_distribution<double> moment(0.0, 1.0);
  int runs = 1;
  for (int kills = 0, rounds = 0; kills < 20; ++rounds) {
    ASSERT_LT(rounds, 100) << "too few runs were still there when they were to be killed";
    Job job(train(2, fmt::format("killed-{}", runs), length), scratch_ / "log");
    std::this_thread::sleep_for(duration * moment(random));
    if (job.running()) {
      ++kills;
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
    }
    if (job.wait() == 0) ++runs;
  }
  for (int i = 1; i <= runs; ++i) {
    const std::string name = fmt::format("killed-{}", i);
    ASSERT_EQ(run_to_end(train(2, name, length)), 0) << log();
    EXPECT_EQ(result(name), expected) << name;
  }
}

TEST_F(TrainerTest, ASignalCommitsAndAsksToBeStartedAgain) {
  ASSERT_EQ(run_to_end(train(1, "whole", "train.steps=400 train.checkpoint_every=0")), 0) << log();
  Job job(train(1, "stopped", "train.steps=400 train.checkpoint_every=0"), scratch_ / "log");
  while (job.running() && !fs::exists(run("stopped") / "metrics.jsonl"))
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ::kill(job.pid(), SIGUSR1);
  EXPECT_EQ(job.wait(), 75) << log();
  EXPECT_LT(losses("stopped").size(), 400U);
  ASSERT_EQ(run_to_end(train(1, "stopped", "train.steps=400 train.checkpoint_every=0")), 0)
      << log();
  EXPECT_EQ(result("stopped"), result("whole"));
}

TEST_F(TrainerTest, ADivergedRunStopsAtTheLastCommitAndNamesStepAndClips) {
  EXPECT_EQ(run_to_end(train(2, "wild",
                             "optimizer.learning_rate=1e30 optimizer.clip_norm=0 "
                             "train.checkpoint_every=1 optimizer.warmup_steps=0")),
            70);
  EXPECT_NE(log().find("clips whose loss is not finite: ["), std::string::npos) << log();
  EXPECT_NE(log().find("step 2:"), std::string::npos) << log();
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

TEST_F(TrainerTest, ACheckpointThatDoesNotFitSaysWhichTensorAndBothShapes) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=3")), 0) << log();
  EXPECT_EQ(run_to_end(train(1, "run", "train.steps=6 model.mlp_width=64")), 2);
  EXPECT_NE(log().find("blocks.0.mlp.up.weight"), std::string::npos) << log();
  EXPECT_NE(log().find("[64, 24]"), std::string::npos) << log();
  EXPECT_NE(log().find("[48, 24]"), std::string::npos) << log();
}

}  // namespace
}  // namespace muybridge
