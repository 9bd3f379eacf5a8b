#include "train/unread_keys.h"

#include <map>
#include <set>

#include "tests/train/training_run.h"
#include "train/load_config.h"

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
      {"eval.shift", "1"},
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
  EXPECT_EQ(evaluate("train.linear=fp8"), 2) << log();
  EXPECT_TRUE(log_has("train.linear: fp8 wants widths")) << log();
  EXPECT_EQ(evaluate("data.train=" + (scratch_ / "gone").string()), 0) << log();
  EXPECT_TRUE(log_has("gone: no prepared corpus there")) << log();
  EXPECT_EQ(evaluate("threads=2"), 0) << log();
  EXPECT_EQ(evaluate("parallel.data=2"), 2) << log();
  EXPECT_TRUE(log_has("data 2 x tensor 1 x context 1 x pipeline 1 needs 2 ranks")) << log();
  EXPECT_EQ(evaluate("parallel.context=2 parallel.context_method=ring parallel.ring=3"), 2);
  EXPECT_TRUE(log_has("3 does not divide parallel.context = 2")) << log();
  EXPECT_EQ(evaluate("parallel.order=data"), 2);
  EXPECT_TRUE(log_has("'data' is no order")) << log();
  tried.insert({"device", "data.train", "train.linear", "threads", "batch.tokens", "parallel.data",
                "parallel.tensor", "parallel.context", "parallel.pipeline",
                "parallel.context_method", "parallel.ring", "parallel.order"});  // see below

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

TEST_F(UnreadKeys, TheLayoutOfAnEvaluationIsTheOneThatIsAskedFor) {
  const std::string plain = "eval.prompts=[a,b] eval.samples=2 eval.validation_clips=4 ";
  ASSERT_EQ(evaluate(plain), 0) << log();
  const nlohmann::json alone = report();
  const auto on_four = [&](const std::string& layout) {
    return run_to_end(fmt::format(
        "mpirun --oversubscribe -np 4 env ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 {} evaluate "
        "{} {} {}",
        kBinary, run("run").string(), plain, layout));
  };
  for (const char* layout :
       {"", "parallel.tensor=2", "parallel.context=2",
        "parallel.context=4 parallel.context_method=ring",
        "parallel.context=4 parallel.context_method=ring parallel.ring=2",
        "parallel.tensor=2 parallel.pipeline=2 parallel.order=data-pipeline-context-tensor"}) {
    ASSERT_EQ(on_four(layout), 0) << layout << "\n" << log();
    const nlohmann::json shared = report();
    EXPECT_EQ(shared.at("model"), alone.at("model")) << layout;
    for (std::size_t i = 0; i < 9; ++i) {
      const double want = alone.at("validation_loss").at(i);
      EXPECT_NEAR(shared.at("validation_loss").at(i), want, 1e-5 * want) << layout;
    }
  }
  EXPECT_EQ(on_four("parallel.tensor=2 parallel.context=2"), 2) << "two heads";
  EXPECT_TRUE(log_has("cannot be shared by parallel.tensor x parallel.context = 4")) << log();
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
  EXPECT_EQ(evaluate("optimizer.learning_rate=9 parallel.zero=1 eval.steps=3"), 2) << log();
  EXPECT_TRUE(log_has("optimizer.learning_rate: 0.003 -> 9")) << log();
  EXPECT_TRUE(log_has("parallel.zero: 0 -> 1")) << log();
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
    EXPECT_EQ(bench(fmt::format("{} {{}} train.seed=4", job)), 2) << log();
    EXPECT_TRUE(log_has("train.seed: 3 -> 4")) << log();
    EXPECT_EQ(bench(fmt::format("{} {{}} parallel.data=4", job)), 2) << log();
    EXPECT_TRUE(log_has(job == std::string("matmul") ? "parallel.data: 0 -> 4" : "needs 4 ranks"))
        << log();
    EXPECT_EQ(bench(fmt::format("{} {{}} device=cuda", job)), 2) << log();
    EXPECT_EQ(bench(fmt::format("{} {{}} batch.tokens=1000000000", job)), 2) << log();
    EXPECT_TRUE(log_has("of memory")) << log();
  }
  EXPECT_EQ(bench("matmul {} optimizer.matrices=muon"), 2) << log();
  EXPECT_EQ(bench("step {} optimizer.matrices=muon"), 0) << log();
}

TEST_F(UnreadKeys, BenchTimesTheLayoutThatItIsTold) {
  const auto figures = [&](const std::string& rest) {
    const std::string launcher =
        "mpirun --oversubscribe -np 4 env ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 ";
    EXPECT_EQ(run_to_end(fmt::format(
                  "{}{} bench {} --repeats 2 --json", launcher, kBinary,
                  fmt::vformat(rest, fmt::make_format_args((scratch_ / "tiny.yaml").native())))),
              0)
        << log();
    return nlohmann::json::parse(log());
  };
  const auto tokens = [&](const std::string& rest) {
    const nlohmann::json all = figures(rest);
    EXPECT_EQ(all.at("ranks"), 4);
    EXPECT_GT(all.at("seconds_median"), 0.0);
    return all.at("tokens").get<std::int64_t>();
  };
  // 128 of four micro-batches, whoever shares them.
  for (const char* layout : {"", "parallel.tensor=2 parallel.zero=3",
                             "parallel.pipeline=2 parallel.schedule=zb_h1 parallel.tensor=2",
                             "parallel.context=4 parallel.context_method=ring"})
    EXPECT_EQ(tokens(fmt::format("step {{}} {}", layout)), 4 * 128) << layout;
  EXPECT_EQ(tokens("step {} batch.micro_batches=3"), 3 * 128) << "not evenly";
  // Of two solver steps, four replicas draw 4 batches and two replicas 2.
  EXPECT_EQ(tokens("sample {}"), 4 * 2 * 128);
  EXPECT_EQ(tokens("sample {} parallel.tensor=2"), 2 * 2 * 128);
  EXPECT_EQ(run_to_end(fmt::format("mpirun --oversubscribe -np 2 {} bench matmul {}", kBinary,
                                   (scratch_ / "tiny.yaml").string())),
            2);
  EXPECT_TRUE(log_has("is of one rank")) << log();
}

}  // namespace
}  // namespace muybridge
