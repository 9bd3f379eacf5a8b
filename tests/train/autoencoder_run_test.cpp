// Whole runs of a video autoencoder.
#include "tests/train/training_run.h"

namespace muybridge {
namespace {

class AutoencoderRun : public testing::TrainingRun {
 protected:
  nlohmann::json report(const std::string& name) const {
    return nlohmann::json::parse(read_file(run(name) / "report.json"));
  }
};

TEST_F(AutoencoderRun, LearnsToGiveHeldOutClipsBack) {
  ASSERT_EQ(run_to_end(train_autoencoder(1, "run", "train.steps=60 eval.every=20 eval.samples=2")),
            0)
      << log();
  const std::vector<nlohmann::json> lines = metrics("run");
  ASSERT_EQ(lines.size(), 60U);
  EXPECT_LT(lines.back().at("loss").get<double>(), 0.3 * lines.front().at("loss").get<double>());
  EXPECT_GT(lines.back().at("validation_psnr").get<double>(),
            lines.at(19).at("validation_psnr").get<double>() + 1);
  for (const nlohmann::json& line : lines)
    EXPECT_NEAR(line.at("loss").get<double>(),
                line.at("squared_error").get<double>() + line.at("divergence").get<double>(), 1e-9);
  EXPECT_TRUE(log_has("PSNR")) << log();
  EXPECT_TRUE(log_has("autoencoder of 2 levels, 2x2 pixels and 2 frames to 2 numbers")) << log();

  const nlohmann::json said = report("run");
  EXPECT_EQ(said.at("quality").at("psnr"), lines.back().at("validation_psnr"));
  EXPECT_GT(said.at("quality").at("ssim").get<double>(), 0);
  ASSERT_EQ(said.at("samples").size(), 2U);
  // Which clips of the corpus they are: captions may be alike.
  EXPECT_NE(said.at("samples").at(0).at("seed"), said.at("samples").at(1).at("seed"));
  for (const nlohmann::json& clip : said.at("samples"))
    for (const char* file : {"clip", "real"})
      EXPECT_TRUE(
          std::filesystem::exists(run("run") / "samples/step-00000060" /
                                  (file + clip.at("file").get<std::string>().substr(
                                              std::string("samples/step-00000060/clip").size()))))
          << clip;
  const std::string page = read_file(run("run") / "index.html");
  EXPECT_NE(page.find("PSNR"), std::string::npos);
  EXPECT_EQ(page.find("seed 0"), std::string::npos);
}

TEST_F(AutoencoderRun, AnyNumberOfRanksTrainsTheSameCurveAndMeasuresTheSame) {
  ASSERT_EQ(run_to_end(train_autoencoder(1, "np1")), 0) << log();
  ASSERT_EQ(run_to_end(train_autoencoder(2, "np2", "parallel.zero=1")), 0) << log();
  ASSERT_EQ(run_to_end(train_autoencoder(3, "np3")), 0) << log();
  const std::vector<nlohmann::json> one = metrics("np1");
  for (const char* name : {"np2", "np3"}) {
    const std::vector<nlohmann::json> other = metrics(name);
    ASSERT_EQ(other.size(), one.size());
    for (std::size_t i = 0; i < one.size(); ++i)
      EXPECT_NEAR(other[i].at("loss").get<double>() / one[i].at("loss").get<double>(), 1, 1e-5)
          << name << " step " << i + 1;
    for (const char* key : {"validation_loss", "validation_psnr", "validation_ssim"})
      EXPECT_NEAR(other.back().at(key).get<double>() / one.back().at(key).get<double>(), 1, 1e-4)
          << name << " " << key;
  }
}

TEST_F(AutoencoderRun, StoppedAndStartedItEndsWithTheSameBytes) {
  const std::string common = "optimizer.schedule=constant eval.every=100 train.steps=";
  ASSERT_EQ(run_to_end(train_autoencoder(2, "whole", common + "6")), 0) << log();
  ASSERT_EQ(run_to_end(train_autoencoder(2, "parts", common + "4")), 0) << log();
  ASSERT_EQ(run_to_end(train_autoencoder(2, "parts", common + "6")), 0) << log();
  EXPECT_EQ(went_on_after(), 4);
  EXPECT_EQ(losses("parts"), losses("whole"));
  EXPECT_EQ(weights("parts"), weights("whole"));
}

TEST_F(AutoencoderRun, ClipsOfOtherChannelsAreRefusedBeforeTheRunHasAFolder) {
  const std::filesystem::path folder = scratch_ / "four-channels";
  std::filesystem::create_directories(folder);
  ShardWriter writer(folder, 0, "{}");
  ClipRecord record;
  record.caption = record.source = "x";
  record.split = "train";
  record.frames = 1;
  record.height = record.width = 16;
  record.channels = 4;
  writer.add(record, std::vector<std::uint8_t>(record.bytes()).data());
  writer.commit();
  CorpusIndex::build(folder);
  EXPECT_EQ(run_to_end(train_autoencoder(1, "four", "data.train=" + folder.string())), 2) << log();
  EXPECT_TRUE(log_has("4 channels; an autoencoder takes pixels of 3")) << log();
  EXPECT_FALSE(std::filesystem::exists(run("four")));
}

TEST_F(AutoencoderRun, WhatItCannotDoIsRefused) {
  for (const auto& [words, why] :
       {std::pair{"parallel.tensor=2", "parallel.tensor: says nothing to an autoencoder"},
        {"model.depth=3", "model.depth: says nothing to an autoencoder"},
        {"flow.shift=2", "flow.shift: says nothing to an autoencoder"},
        {"parallel.zero=2", "parallel.zero: an autoencoder has no blocks"},
        {"autoencoder.frame_halvings=2", "autoencoder.frame_halvings: 2 levels have 1 steps"},
        {"parallel.order=data-tensor-context-pipeline", "parallel.order: says nothing"},
        {"optimizer.matrices=muon", "optimizer.matrices: says nothing to an autoencoder"},
        {"autoencoder.width=3 autoencoder.multiples=[1,1]", "autoencoder.width: 3 x 1 channels"},
        {"autoencoder.multiples=[]", "autoencoder.multiples: expected a list"},
        {"batch.tokens=100", "raise batch.tokens"}}) {
    EXPECT_EQ(run_to_end(train_autoencoder(1, "refused", words)), 2) << words;
    EXPECT_TRUE(log_has(why)) << log();
  }
  ASSERT_EQ(run_to_end(train_autoencoder(1, "run", "train.steps=1")), 0) << log();
  for (const std::string command : {"evaluate {}", "sample {} --prompt x"}) {
    EXPECT_EQ(run_to_end(kBinary + " " + fmt::format(fmt::runtime(command), run("run").string())),
              2);
    EXPECT_TRUE(log_has("takes a diffusion transformer, and this is a video autoencoder")) << log();
  }
  const std::string file = (scratch_ / "autoencoder.yaml").string();
  for (const std::string command : {"plan ", "bench step "}) {
    EXPECT_EQ(run_to_end(kBinary + " " + command + file), 2) << log();
    EXPECT_TRUE(log_has("takes a diffusion transformer")) << log();
  }
  // And the section of the one in the file of the other.
  EXPECT_EQ(run_to_end(train(1, "dit", "autoencoder.width=8")), 2);
  EXPECT_TRUE(log_has("says something to an autoencoder only")) << log();
}

}  // namespace
}  // namespace muybridge
