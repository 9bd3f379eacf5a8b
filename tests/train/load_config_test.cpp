#include "train/load_config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

const std::filesystem::path kSource = MUYBRIDGE_SOURCE_DIR;

class LoadConfigTest : public testing::Test {
 protected:
  LoadConfigTest()
      : file_(std::filesystem::temp_directory_path() /
              ("muybridge-train-config-" + std::to_string(::getpid()) + ".yaml")) {
    write("run: {name: x}\ndata: {train: prepared/x}\ntrain: {steps: 10}\n");
  }
  ~LoadConfigTest() override { std::filesystem::remove(file_); }

  void write(const std::string& text) const { std::ofstream(file_) << text; }

  // The one mistake that the overrides make, without the place; empty where there is none.
  std::string mistake(const std::vector<std::string>& overrides) const {
    try {
      load_train_config(file_, overrides);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      const std::string text = error.what();
      return text.substr(text.find("': ") + 3);
    }
    return "";
  }

  std::filesystem::path file_;
};

TEST_F(LoadConfigTest, ThreeKeysAreEnough) {
  const TrainConfig config = load_train_config(file_);
  EXPECT_EQ(config.run.name, "x");
  EXPECT_EQ(config.folder(), "runs/x");
  EXPECT_EQ(config.train.steps, 10);
  EXPECT_EQ(config.model.width, TrainConfig().model.width);
  EXPECT_EQ(load_train_config(file_, {"run.folder=else/where"}).folder(), "else/where");
}

TEST_F(LoadConfigTest, WhatMustBeGivenIsNamed) {
  write("model: {width: 64}\n");
  try {
    load_train_config(file_);
    FAIL();
  } catch (const Error& error) {
    const std::string text = error.what();
    for (const char* key : {"run.name: missing", "data.train: missing", "train.steps: missing"})
      EXPECT_NE(text.find(key), std::string::npos) << text;
  }
}

TEST_F(LoadConfigTest, EveryPublishedConfigurationIsInOrder) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "configs")) {
    EXPECT_NO_THROW(load_train_config(entry.path())) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 4);
}

TEST_F(LoadConfigTest, ShownConfigurationLoadsToTheSame) {
  for (const char* name : {"shapes", "physics", "finetune", "dit-1.3b"}) {
    const std::string shown =
        to_yaml(load_train_config(kSource / "configs" / (std::string(name) + ".yaml")));
    write(shown);
    EXPECT_EQ(to_yaml(load_train_config(file_)), shown) << name;
  }
  write(
      "run: {name: x}\ndata: {train: 'a #b: c'}\ntrain: {steps: 3, seed: 9007199254740993}\n"
      "eval: {prompts: ['a red circle, slow', \"two\\nlines\"], size: 48x32}\n"
      "optimizer: {learning_rate: 0.1234567890123}\n");
  const TrainConfig first = load_train_config(file_);
  write(to_yaml(first));
  const TrainConfig second = load_train_config(file_);
  EXPECT_EQ(second.data.train, "a #b: c");
  EXPECT_EQ(second.train.seed, 9007199254740993);
  EXPECT_EQ(second.eval.prompts, first.eval.prompts);
  EXPECT_EQ(second.eval.size, (FrameSize{48, 32}));
  EXPECT_EQ(second.optimizer.learning_rate, 0.1234567890123);
}

TEST_F(LoadConfigTest, Wan13BHasItsShape) {
  const TrainConfig::Model model = load_train_config(kSource / "configs/dit-1.3b.yaml").model;
  EXPECT_EQ(model.width, 1536);
  EXPECT_EQ(model.depth, 30);
  EXPECT_EQ(model.heads, 12);
  EXPECT_EQ(model.mlp_width, 8960);
  EXPECT_EQ(model.channels, 16);
  EXPECT_EQ(model.patch, (std::array<int, 3>{1, 2, 2}));
}

TEST_F(LoadConfigTest, HeadsMustFitTheWidth) {
  EXPECT_EQ(mistake({"model.heads=3"}), "model.heads: 3 heads do not divide model.width = 128");
  EXPECT_EQ(mistake({"model.width=36", "model.heads=4"}),
            "model.heads: model.width = 36 over 4 heads is 9 a head, which must be even: positions "
            "turn pairs of numbers");
  EXPECT_EQ(mistake({"model.heads=32"}),
            "model.heads: a head is 4 wide; time, height and width each need 2");
  EXPECT_EQ(mistake({"model.text_heads=3"}),
            "model.text_heads: 3 heads do not divide model.text_width = 128");
}

TEST_F(LoadConfigTest, ClipsMustBeWholePatches) {
  EXPECT_EQ(mistake({"eval.frames=15"}),
            "eval.frames: 15 frames are not a multiple of model.patch's 2");
  EXPECT_EQ(mistake({"eval.size=34x32"}),
            "eval.size: 34x32 is not a multiple of model.patch's 4 columns x 4 rows");
  EXPECT_EQ(mistake({"eval.size=48x32"}), "");
}

TEST(LoadConfig, ALayoutThatCannotBeIsRefusedWhereItIsWritten) {
  try {
    parse_train_config(
        "run: {name: x}\ndata: {train: x}\ntrain: {steps: 1}\nmodel:\n  heads: 4\n  depth: 2\n"
        "parallel:\n  context: 8\n  pipeline: 3\n",
        "x.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "x.yaml:9:13: parallel.pipeline: model.depth = 2 blocks cannot be shared by "
        "parallel.pipeline = 3 stages of 1 parts; a part has at least one block: 2 stages "
        "could\n"
        "x.yaml:8:12: parallel.context: model.heads = 4 cannot be shared by parallel.tensor x "
        "parallel.context = 8; 4 could, or a ring (parallel.context_method, parallel.ring), "
        "which shares no heads");
  }
}

TEST_F(LoadConfigTest, NamesLearningRatesAndPromptsAreChecked) {
  EXPECT_EQ(mistake({"run.name=a/b"}),
            "run.name: 'a/b' cannot name a folder; use letters, digits, '-', '_' and '.'");
  EXPECT_NE(mistake({"run.name="}), "");
  EXPECT_NE(mistake({"run.name=.."}), "");
  EXPECT_EQ(mistake({"data.train="}),
            "data.train: is empty; name a folder that 'muybridge prepare' wrote");
  EXPECT_EQ(mistake({"optimizer.min_learning_rate=1"}),
            "optimizer.min_learning_rate: 1 is above optimizer.learning_rate = 0.001");
  EXPECT_EQ(mistake({"eval.prompts=shape"}),
            "eval.prompts: 'shape' is neither shapes, physics nor a file such as prompts.txt, did "
            "you mean shapes?; a single prompt is a list: [\"shape\"]");
  EXPECT_EQ(mistake({"eval.prompts=my/prompts.txt"}), "");
  EXPECT_EQ(mistake({"eval.prompts=[\"shape\"]"}), "");
}

// What commits of earlier versions say.
TEST(LoadConfig, RecomputeIsReadInItsOldWordsAndWrittenInTheNew) {
  const auto read = [](const std::string& value) {
    return parse_train_config(
        "run: {name: x}\ndata: {train: x}\ntrain: {steps: 1}\nmodel: {recompute: " + value + "}\n",
        "test");
  };
  EXPECT_EQ(read("false").model.recompute, Recompute::kNone);
  EXPECT_EQ(read("true").model.recompute, Recompute::kBlock);
  EXPECT_NE(to_yaml(read("true")).find("recompute: block"), std::string::npos);
  EXPECT_THROW(read("yes"), Error);
}

TEST_F(LoadConfigTest, AnOrderOfStagesWithoutStagesIsRefused) {
  EXPECT_EQ(mistake({"parallel.schedule=zb_v"}),
            "parallel.schedule: zb_v says in which order stages work, but parallel.pipeline is 1");
  EXPECT_EQ(mistake({"parallel.virtual_stages=2"}),
            "parallel.virtual_stages: 2 parts of each stage, but parallel.pipeline is 1");
  EXPECT_EQ(mistake({"parallel.schedule=zb_v", "parallel.pipeline=2"}), "");
}

}  // namespace
}  // namespace muybridge
