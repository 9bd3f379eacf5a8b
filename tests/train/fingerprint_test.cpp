#include "train/fingerprint.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "core/error.h"
#include "train/load_config.h"
#include "train/resume_rules.h"

namespace muybridge {
namespace {

constexpr const char* kText =
    "run: {name: x}\ndata: {train: here}\ntrain: {steps: 100, seed: 3}\n"
    "model: {heads: 8, text_heads: 8}\n";
constexpr const char* kCorpus = "0123456789abcdef";

constexpr const char* kAutoencoder =
    "run: {name: x}\ndata: {train: here}\ntrain: {steps: 100, seed: 3}\n"
    "model: {kind: autoencoder}\n";

TrainConfig config(const std::vector<std::string>& overrides = {}) {
  return parse_train_config(kText, "test", overrides);
}

// One that reads the key.
TrainConfig config_with(const std::string& key, const std::vector<std::string>& overrides = {}) {
  const bool autoencoder = key.starts_with("autoencoder.") || key == "model.kind";
  return parse_train_config(autoencoder ? kAutoencoder : kText, "test", overrides);
}

Manifest commit(const TrainConfig& config) {
  return {.step = 4, .loader_position = {{"corpus", kCorpus}}, .config = to_yaml(config)};
}

std::string value_of(const TrainConfig& config, const std::string& key) {
  for (const ConfigValue& each : values_of(config))
    if (each.key == key) return each.value;
  return "no such key";
}

// What the user is told when it refuses; empty where it does not.
std::string refusal(const std::function<void()>& check) {
  try {
    check();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

std::string of_run(const TrainConfig& before, const TrainConfig& now,
                   const std::string& corpus = kCorpus) {
  return refusal([&] { require_same_run(commit(before), "c", now, corpus, *solo_group()); });
}

std::string of_model(const TrainConfig& before, const TrainConfig& now) {
  return refusal([&] { require_same_model(commit(before), "c", now, *solo_group()); });
}

// The configuration with another value for the key, the first of many that it takes.
std::optional<TrainConfig> with_another(const std::string& key) {
  for (const char* value : {"true",    "false",     "2",
                            "4",       "6",         "64",
                            "0.5",     "1",         "clean",
                            "uniform", "muon",      "cosine",
                            "bf16",    "fp8",       "never",
                            "heun",    "gpipe",     "wait",
                            "cpu",     "1e-4",      "cuda",
                            "16x16",   "[1, 4, 8]", "ring",
                            "block",   "other",     "data-tensor-context-pipeline",
                            "dit",     "[1, 2, 3]"}) {
    try {
      std::vector<std::string> overrides = {key + "=" + value};
      // What says how stages work needs some.
      if (key == "parallel.schedule" || key == "parallel.virtual_stages")
        overrides.emplace_back("parallel.pipeline=2");
      // And so does what says how ranks share clips.
      if (key == "parallel.context_method" || key == "parallel.ring")
        overrides.emplace_back("parallel.context=2");
      if (key == "parallel.ring") overrides.emplace_back("parallel.context_method=ring");
      const TrainConfig changed = config_with(key, overrides);
      if (value_of(changed, key) != value_of(config_with(key), key)) return changed;
    } catch (const Error&) {
      continue;
    }
  }
  return std::nullopt;
}

// One after the other, so that none hides behind another.
TEST(Fingerprint, EachKeyThatMustStayIsRefusedByNameWithBothValuesAndNoOtherIs) {
  int refused = 0, free = 0;
  for (const KeyRule& each : resume_rules()) {
    const std::string key(each.key);
    if (key == "data.train" || key == "train.init_from") continue;  // see below
    const TrainConfig before = config_with(key);
    const std::optional<TrainConfig> now = with_another(key);
    ASSERT_TRUE(now.has_value()) << "no other value for " << key << " is known to this test";
    const std::string line =
        "\n  " + key + ": " + value_of(before, key) + " -> " + value_of(*now, key) + "\n";
    const std::string run = of_run(before, *now), model = of_model(before, *now);
    const bool curve = each.rule == ResumeRule::kCurve, weights = each.rule == ResumeRule::kWeights;
    EXPECT_EQ(run.find(line) != std::string::npos, curve || weights) << key << ": " << run;
    EXPECT_EQ(model.find(line) != std::string::npos, weights) << key << ": " << model;
    EXPECT_EQ(run.empty(), !curve && !weights) << key << ": " << run;
    EXPECT_EQ(model.empty(), !weights) << key << ": " << model;
    (run.empty() ? free : refused) += 1;
  }
  EXPECT_GT(refused, 25);
  EXPECT_GT(free, 25);
}

TEST(Fingerprint, OfAModelThatIsAnotherAdvisesANewRunAndOfAnotherCurveItsWeights) {
  EXPECT_NE(of_run(config(), config({"model.depth=2"})).find("train a new run: run.name=OTHER"),
            std::string::npos);
  EXPECT_NE(of_run(config(), config({"train.seed=9"})).find("train.init_from=runs/x"),
            std::string::npos);
}

TEST(Fingerprint, ACorpusIsItsClipsAndNotItsPath) {
  EXPECT_EQ(of_run(config(), config({"data.train=there"})), "");
  const std::string other = of_run(config(), config({"data.train=there"}), "fedcba9876543210");
  EXPECT_NE(other.find("data.train: here (clips 01234567) -> there (clips fedcba98)"),
            std::string::npos)
      << other;
  EXPECT_EQ(of_model(config(), config({"data.train=there"})), "");
}

TEST(Fingerprint, TheOriginOfARunMayBeLeftAwayButNotReplaced) {
  const TrainConfig tuned = config({"train.init_from=a"});
  EXPECT_EQ(of_run(tuned, tuned), "");
  EXPECT_EQ(of_run(tuned, config()), "");
  for (const char* same : {"./a", "a/", "b/../a"})  // also where it is gone by now
    EXPECT_EQ(of_run(tuned, config({std::string("train.init_from=") + same})), "");
  EXPECT_NE(of_run(tuned, config({"train.init_from=b"})).find("train.init_from: a -> b"),
            std::string::npos);
  EXPECT_NE(of_run(config(), tuned).find("train.init_from: nothing -> a"), std::string::npos);
}

// The shapes of its tensors are still held against the model's when it is read.
TEST(Fingerprint, AConfigurationOfAnotherVersionThatCannotBeReadIsNoReasonToRefuse) {
  Manifest manifest = commit(config());
  manifest.config = "model: {wings: 2}\n";
  EXPECT_EQ(refusal([&] { require_same_run(manifest, "c", config(), "other", *solo_group()); }),
            "");
  EXPECT_EQ(refusal([&] { require_same_model(manifest, "c", config(), *solo_group()); }), "");
}

}  // namespace
}  // namespace muybridge
