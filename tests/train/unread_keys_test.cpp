#include "train/unread_keys.h"

#include <map>
#include <set>

#include "tests/train/training_run.h"

// What `evaluate` and `bench` are asked for is done or refused.
namespace muybridge {
namespace {

namespace fs = std::filesystem;

class UnreadKeys : public testing::TrainingRun {
 protected:
  void SetUp() override {
    TrainingRun::SetUp();
    make_corpus(scratch_ / "other", 20, 16);
    ASSERT_EQ(run_to_end(train(1, "run", "train.steps=3 train.checkpoint_every=0")), 0) << log();
  }

  int evaluate(const std::string& overrides) const {
    return run_to_end(fmt::format("{} evaluate {} {}", kBinary, run("run").string(), overrides));
  }
  nlohmann::json report() const {
    return nlohmann::json::parse(read_file(run("run") / "report.json"));
  }
  // Losses, and the bytes of the clips.
  std::string outcome() const {
    std::string text = report().at("validation_loss").dump();
    for (int i = 0; i < 2; ++i) {
      const fs::path clip = run("run") / fmt::format("samples/step-00000003/clip-{:03}.mp4", i);
      text += fs::exists(clip) ? hash_file(clip) : "none";
    }
    return text;
  }
};

TEST_F(UnreadKeys, EvaluateDoesWhatItIsAskedOrRefusesIt) {
  // What it reads, with a value that changes what it leaves; under some prompts where there is one.
  const std::map<std::string, std::string> read = {
      {"data.validation", (scratch_ / "other").string()},
      {"data.frames_max", "4"},
      {"data.max_caption_bytes", "3"},
      {"flow.timesteps", "uniform"},
      {"flow.shift", "1"},
      {"flow.mean", "1"},
      {"flow.std", "2"},
      {"train.precision", "bf16"},
      {"eval.prompts", "[a blue square]"},
      {"eval.samples", "2"},
      {"eval.steps", "3"},
      {"eval.solver", "heun"},
      {"eval.guidance", "1"},
      {"eval.seed", "5"},
      {"eval.frames", "4"},
      {"eval.size", "8x8"},
      {"eval.fps", "4"},
      {"eval.upscale", "1"},
      {"eval.validation_clips", "2"}};
  const std::string plain = "eval.prompts=[a,b] eval.samples=1 ";
  ASSERT_EQ(evaluate(plain), 0) << log();
  const std::string before = outcome();
  std::set<std::string> tried;
  for (const auto& [key, value] : read) {
    fs::remove_all(run("run") / "samples");
    EXPECT_EQ(evaluate(fmt::format("{} '{}={}'", plain, key, value)), 0) << key << "\n" << log();
    EXPECT_NE(outcome(), before) << key;
    tried.insert(key);
  }
  // What it refuses because of the value, and what changes no result.
  EXPECT_EQ(evaluate("device=cuda"), 2) << log();
  EXPECT_TRUE(log_has("device=cuda: ")) << log();
  EXPECT_EQ(evaluate("batch.tokens=16"), 2) << log();
  EXPECT_TRUE(log_has("the budget of a micro-batch is 16")) << log();
  EXPECT_EQ(evaluate("data.train=" + (scratch_ / "gone").string()), 0) << log();
  EXPECT_TRUE(log_has("gone: no prepared corpus there")) << log();
  EXPECT_EQ(evaluate("threads=2"), 0) << log();
  tried.insert({"device", "data.train", "threads", "batch.tokens"});

  const TrainConfig kept = load_train_config(run("run") / "config.yaml");
  for (const ConfigValue& each : values_of(kept)) {
    const bool reads = tried.contains(each.key);
    const KeyReader reader = keys_of_evaluate();
    const bool listed = std::ranges::any_of(reader.keys, [&](std::string_view key) {
      return key.ends_with('.') ? each.key.starts_with(key) : each.key == key;
    });
    EXPECT_EQ(reads, listed) << each.key;
  }
}

TEST_F(UnreadKeys, AnEvaluationWithFewerClipsLeavesNoneOfTheOneBefore) {
  ASSERT_EQ(evaluate("eval.prompts=[a,b] eval.samples=2"), 0) << log();
  const fs::path samples = run("run") / "samples/step-00000003";
  ASSERT_TRUE(fs::exists(samples / "clip-001.mp4"));
  ASSERT_EQ(evaluate("eval.prompts=[a,b] eval.samples=1"), 0) << log();
  EXPECT_TRUE(fs::exists(samples / "clip-000.mp4"));
  EXPECT_FALSE(fs::exists(samples / "clip-001.mp4"));
}

TEST_F(UnreadKeys, AreNamedWithBothValues) {
  const std::string before = read_file(run("run") / "report.json");
  EXPECT_EQ(evaluate("optimizer.learning_rate=9 parallel.data=4 eval.steps=3"), 2) << log();
  EXPECT_TRUE(log_has("optimizer.learning_rate: 0.003 -> 9")) << log();
  EXPECT_TRUE(log_has("parallel.data: 0 -> 4")) << log();
  EXPECT_FALSE(log_has("eval.steps:")) << log();
  EXPECT_EQ(evaluate("model.heads=1"), 2) << log();
  EXPECT_TRUE(log_has("model.heads: 2 -> 1, but the weights are those of a model with the first"))
      << log();
  EXPECT_EQ(read_file(run("run") / "report.json"), before) << "it was measured all the same";
  EXPECT_EQ(evaluate("model.heads=2"), 0) << "what changes nothing is no mistake\n" << log();
}

TEST_F(UnreadKeys, BenchRefusesThemAndWhatTheMachineCannotHold) {
  const auto bench = [&](const std::string& rest) {
    return run_to_end(
        fmt::format("{} bench {} --repeats 1", kBinary,
                    fmt::vformat(rest, fmt::make_format_args((scratch_ / "tiny.yaml").native()))));
  };
  for (const char* job : {"step", "sample", "matmul"}) {
    EXPECT_EQ(bench(fmt::format("{} {{}}", job)), 0) << log();
    EXPECT_EQ(bench(fmt::format("{} {{}} parallel.data=4", job)), 2) << log();
    EXPECT_TRUE(log_has("parallel.data: 0 -> 4")) << log();
    EXPECT_EQ(bench(fmt::format("{} {{}} device=cuda", job)), 2) << log();
    EXPECT_EQ(bench(fmt::format("{} {{}} batch.tokens=1000000000", job)), 2) << log();
    EXPECT_TRUE(log_has("of memory")) << log();
  }
  EXPECT_EQ(bench("matmul {} optimizer.matrices=muon"), 2) << log();
  EXPECT_EQ(bench("step {} optimizer.matrices=muon"), 0) << log();
}

}  // namespace
}  // namespace muybridge
