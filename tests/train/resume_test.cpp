#include "train/resume.h"

#include "tests/train/training_run.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class Resume : public testing::TrainingRun {
 protected:
  // The lines of the log that name a key and two values.
  std::vector<std::string> differences() const {
    std::vector<std::string> lines;
    std::istringstream text(log());
    for (std::string line; std::getline(text, line);)
      if (line.starts_with("  ") && line.find(" -> ") != std::string::npos)
        lines.push_back(line.substr(2));
    return lines;
  }
};

using Lines = std::vector<std::string>;

TEST_F(Resume, NeverLeavesAFolderThatHasARunAsItIs) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=4")), 0) << log();
  const std::string before = read_file(run("run") / "metrics.jsonl");
  const std::string again = train(1, "run", "train.steps=4 train.seed=5 train.resume=never");
  EXPECT_EQ(run_to_end(again), 2);
  EXPECT_TRUE(log_has("commits up to step 4")) << log();
  EXPECT_EQ(read_file(run("run") / "metrics.jsonl"), before);
  EXPECT_EQ(committed("run"), 4);
  // Metrics alone, of a run that never came to a commit, are kept as well.
  fs::remove_all(run("run") / "checkpoints");
  EXPECT_EQ(run_to_end(again), 2);
  EXPECT_TRUE(log_has("metrics of a run")) << log();
  EXPECT_EQ(read_file(run("run") / "metrics.jsonl"), before);
  EXPECT_EQ(run_to_end(train(1, "other", "train.steps=1 train.resume=never")), 0) << log();
}

TEST_F(Resume, RefusesWhatMustNotChangeWithBothValues) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=3")), 0) << log();
  const std::string before = result("run");
  EXPECT_EQ(run_to_end(train(2, "run",
                             "train.steps=6 model.prediction=clean model.eps=1e-5 train.seed=5 "
                             "batch.tokens=256 model.mlp_width=64")),
            2);
  EXPECT_EQ(differences(),
            (Lines{"model.mlp_width: 48 -> 64", "model.prediction: velocity -> clean",
                   "model.eps: 1e-06 -> 1e-05", "batch.tokens: 128 -> 256", "train.seed: 3 -> 5"}))
      << log();
  EXPECT_EQ(result("run"), before);
}

TEST_F(Resume, RefusesOtherClips) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=3")), 0) << log();
  make_corpus(scratch_ / "more", 27, 16);
  EXPECT_EQ(run_to_end(train(1, "run", "train.steps=6 data.train=" + (scratch_ / "more").string())),
            2);
  ASSERT_EQ(differences().size(), 1U) << log();
  EXPECT_TRUE(differences()[0].starts_with("data.train: ")) << log();
  // The same clips elsewhere are the same corpus.
  fs::rename(scratch_ / "corpus", scratch_ / "moved");
  EXPECT_EQ(
      run_to_end(train(1, "run", "train.steps=6 data.train=" + (scratch_ / "moved").string())), 0)
      << log();
}

TEST_F(Resume, WarnsWhereTheLearningRateJumps) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=8")), 0) << log();
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=10 train.log_every=1 eval.every=2")), 0);
  EXPECT_FALSE(log_has("learning rate of step")) << log();
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=12 optimizer.learning_rate=1e-3")), 0);
  EXPECT_TRUE(log_has("learning rate of step 11 would have been 0.003")) << log();
  EXPECT_TRUE(log_has("and is 0.001 now")) << log();
  // A schedule that ends at train.steps jumps when that moves.
  ASSERT_EQ(run_to_end(train(1, "line", "train.steps=8 optimizer.schedule=linear")), 0) << log();
  ASSERT_EQ(run_to_end(train(1, "line", "train.steps=16 optimizer.schedule=linear")), 0) << log();
  EXPECT_TRUE(log_has("learning rate of step 9 would have been 0 ")) << log();
}

TEST_F(Resume, OfWeightsFromARunOfAnotherModelIsRefused) {
  ASSERT_EQ(run_to_end(train(1, "first", "train.steps=3")), 0) << log();
  const std::string from = " train.steps=3 train.init_from=" + run("first").string();
  EXPECT_EQ(run_to_end(train(1, "second", "model.rope_theta=99 model.patch=[1,4,8]" + from)), 2);
  EXPECT_EQ(differences(),
            (Lines{"model.patch: [2, 4, 4] -> [1, 4, 8]", "model.rope_theta: 10000 -> 99"}))
      << log();
  EXPECT_FALSE(std::filesystem::exists(run("second")));
  // Another seed, batch and schedule are what a new run is for.
  EXPECT_EQ(run_to_end(train(1, "third", "train.seed=9 batch.tokens=64" + from)), 0) << log();
  EXPECT_TRUE(log_has("weights from")) << log();
}

TEST_F(Resume, OfWeightsThatAreNowhereLeavesNoRunBehind) {
  EXPECT_EQ(run_to_end(train(1, "second", "train.init_from=" + run("nobody").string())), 2);
  EXPECT_TRUE(log_has("no checkpoint there")) << log();
  EXPECT_FALSE(std::filesystem::exists(run("second")));
}

// The averaged ones, with which the new run's own average begins as well.
TEST_F(Resume, OfWeightsBeginsWithTheAveragedOnes) {
  ASSERT_EQ(run_to_end(train(1, "first", "optimizer.ema_decay=0.8 optimizer.ema_warmup=false")), 0)
      << log();
  ASSERT_EQ(run_to_end(train(1, "tuned",
                             "train.steps=1 optimizer.learning_rate=1e-12 train.init_from=" +
                                 run("first").string())),
            0)
      << log();
  const auto values = [&](const char* name, StateKind kind) {
    const CheckpointReader reader(list_commits(run(name) / "checkpoints").back().path);
    std::vector<float> all;
    for (const ManifestParameter& parameter : reader.manifest().parameters) {
      const Tensor part = Tensor::empty(parameter.shape);
      reader.read(kind, parameter.name, part);
      all.insert(all.end(), part.span<float>().begin(), part.span<float>().end());
    }
    return all;
  };
  const auto farthest = [](const std::vector<float>& a, const std::vector<float>& b) {
    float most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
    return most;
  };
  const std::vector<float> average = values("first", StateKind::kEma);
  ASSERT_GT(farthest(average, values("first", StateKind::kMaster)), 1e-3);
  EXPECT_LT(farthest(average, values("tuned", StateKind::kMaster)), 1e-8);
  EXPECT_LT(farthest(average, values("tuned", StateKind::kEma)), 1e-8);
}

TEST_F(Resume, NeverMixesUpWhereARunBegan) {
  for (const char* name : {"a", "b"})
    ASSERT_EQ(run_to_end(train(1, name, "train.steps=3")), 0) << log();
  const std::string from_a = " train.init_from=" + run("a").string();
  EXPECT_EQ(run_to_end(train(1, "b", "train.steps=6" + from_a)), 2);
  EXPECT_EQ(differences(), (Lines{"train.init_from: nothing -> " + run("a").string()})) << log();
  ASSERT_EQ(run_to_end(train(1, "tuned", "train.steps=3" + from_a)), 0) << log();
  ASSERT_EQ(run_to_end(train(1, "tuned", "train.steps=6" + from_a + "/")), 0) << log();
  EXPECT_EQ(went_on_after(), 3);
  EXPECT_TRUE(log_has("it is not used again")) << log();
  EXPECT_EQ(run_to_end(train(1, "tuned", "train.steps=9")), 0) << log();
  EXPECT_EQ(run_to_end(train(1, "tuned", "train.steps=9 train.init_from=" + run("b").string())), 2);
}

TEST_F(Resume, AddsUpTheTimeOfAllItsStarts) {
  const auto seconds = [&] {
    const CheckpointReader reader(list_commits(run("run") / "checkpoints").back().path);
    return reader.manifest().extra.at("train_seconds").get<double>();
  };
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=60 eval.samples=0")), 0) << log();
  const double first = seconds();
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=61 eval.samples=0")), 0) << log();
  EXPECT_GT(seconds(), first);
}

TEST_F(Resume, SaysThatThereIsNothingLeftToDo) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=6")), 0) << log();
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=4")), 0) << log();
  EXPECT_TRUE(log_has("has done 6 steps already")) << log();
  EXPECT_EQ(metrics("run").size(), 6U);
}

}  // namespace
}  // namespace muybridge
