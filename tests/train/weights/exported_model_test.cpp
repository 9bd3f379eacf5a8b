#include "train/weights/exported_model.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/error.h"
#include "model/wan_names.h"
#include "train/load_config.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

constexpr const char* kTiny =
    "run: {name: tiny}\ndata: {train: /home/me/secret}\ntrain: {steps: 9}\n"
    "model: {width: 24, depth: 1, heads: 2, mlp_width: 32, text_width: 16, text_depth: 1,\n"
    "        text_heads: 2, patch: [1, 2, 2], prediction: clean}\n"
    "eval: {prompts: [\"a secret\"], frames: 5, size: 20x10, fps: 12}\n";

class ExportedModelTest : public ::testing::Test {
 protected:
  ExportedModelTest()
      : path_(std::filesystem::path(::testing::TempDir()) /
              fmt::format("exported-{}.safetensors", ::getpid())) {}
  ~ExportedModelTest() override { std::filesystem::remove(path_); }

  // Writes a model's tensors, but for what a test changes.
  void write(const SafetensorsMetadata& metadata, const TrainConfig& tensors_of,
             const std::string& left_out = "", const std::string& added = "") const {
    Parameters parameters;
    const Dit dit(parameters, dit_options(tensors_of));
    std::vector<SafetensorsSpec> specs;
    for (const Parameter& parameter : parameters.list())
      for (const WanPart& part :
           wan_parts(parameter.spec.name, parameter.spec.shape, dit.options.patch))
        if (part.name != left_out) specs.push_back({part.name, DType::kF32, part.shape});
    if (!added.empty()) specs.push_back({added, DType::kF32, {1}});
    SafetensorsWriter writer(path_, specs, metadata);
    for (const SafetensorsSpec& spec : specs) writer.add(spec.name, Tensor::zeros(spec.shape));
    writer.commit();
  }
  // How it is refused when its tensors are asked for; kDone when it is not.
  ExitCode refusal() const {
    try {
      const ExportedModel file(path_);
      Parameters parameters;
      const Dit dit(parameters, dit_options(file.config()));
      file.require_tensors_of(parameters);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(path_.filename().string()), std::string::npos);
      return error.code();
    }
    return ExitCode::kDone;
  }

  const TrainConfig config_ = parse_train_config(kTiny, "tiny");
  const SafetensorsMetadata good_ = export_metadata(config_, StateKind::kEma, 9, "0.1.0");
  std::filesystem::path path_;
};

TEST_F(ExportedModelTest, GivesTheModelAndHowToSampleItButNothingPrivate) {
  write(good_, config_);
  EXPECT_EQ(refusal(), ExitCode::kDone);
  const ExportedModel file(path_);
  EXPECT_EQ(file.step(), 9);
  EXPECT_EQ(file.weights(), "ema");
  EXPECT_EQ(file.config().model.width, 24);
  EXPECT_EQ(file.config().eval.fps, 12);
  for (const auto& [key, value] : good_) EXPECT_EQ(value.find("secret"), std::string::npos) << key;
}

TEST_F(ExportedModelTest, RefusesAFileThatDoesNotSayWhatItIs) {
  for (const char* key : {"muybridge_config", "muybridge_step", "muybridge_weights"}) {
    SafetensorsMetadata metadata = good_;
    metadata.erase(key);
    write(metadata, config_);
    EXPECT_EQ(refusal(), ExitCode::kUsage) << key;
  }
}

TEST_F(ExportedModelTest, RefusesHostileMetadata) {
  const std::string config = good_.at("muybridge_config");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = config;
    changed.replace(changed.find(from), from.size(), to);
    return changed;
  };
  for (const auto& [key, value] : {std::pair<std::string, std::string>{"muybridge_step", "-1"},
                                   {"muybridge_step", "1e3"},
                                   {"muybridge_weights", "optimizer"},
                                   {"muybridge_config", ""},
                                   {"muybridge_config", ","},
                                   {"muybridge_config", "[[[["},
                                   {"muybridge_config", std::string(1 << 17, '#')},
                                   {"muybridge_config", with("heads: 2", "heads: 0")},
                                   {"muybridge_config", with("heads: 2", "heads: 5")},
                                   {"muybridge_config", with("depth: 1", "depth: 1000000000")},
                                   {"muybridge_config", "base: /etc/passwd\n" + config}}) {
    SafetensorsMetadata metadata = good_;
    metadata[key] = value;
    write(metadata, config_);
    EXPECT_EQ(refusal(), ExitCode::kCorrupt) << key << " = " << value.substr(0, 40);
  }
}

TEST_F(ExportedModelTest, RefusesTensorsOfAnotherModel) {
  // A model of terabytes is refused before any of it is allocated.
  write(export_metadata(
            parse_train_config(kTiny, "tiny",
                               {"model.width=65536", "model.depth=1024", "model.mlp_width=262144"}),
            StateKind::kEma, 9, "0.1.0"),
        config_);
  EXPECT_EQ(refusal(), ExitCode::kCorrupt);
  write(good_, config_, "proj_out.bias");
  EXPECT_EQ(refusal(), ExitCode::kCorrupt);
  write(good_, config_, "", "one.too.many");
  EXPECT_EQ(refusal(), ExitCode::kCorrupt);
  write(good_, config_, "proj_out.bias", "proj_out.bias");
  EXPECT_EQ(refusal(), ExitCode::kCorrupt) << "another shape";
}

TEST_F(ExportedModelTest, SaysWhyOthersCannotRunIt) {
  EXPECT_EQ(foreign_to_wan(config_).size(), 4U);
  const TrainConfig wan = parse_train_config(
      kTiny, "tiny",
      {"model.prediction=velocity", "model.sine_positions=false", "model.channels=16"});
  EXPECT_EQ(foreign_to_wan(wan).size(), 1U) << "the text encoder is always another one";
}

}  // namespace
}  // namespace muybridge
