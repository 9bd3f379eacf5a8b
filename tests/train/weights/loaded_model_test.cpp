#include "train/weights/loaded_model.h"

#include <gtest/gtest.h>

#include <functional>

#include "core/error.h"
#include "core/system/file.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/load_config.h"
#include "train/model_options.h"
#include "train/weights/checkpoint_export.h"
#include "train/weights/exported_model.h"

namespace muybridge {
namespace {

using testing::same_bits;
using testing::sample_flat;
using testing::sample_value;

class LoadedModelTest : public ::testing::Test {
 protected:
  static TrainConfig config(const std::vector<std::string>& overrides = {}) {
    return parse_train_config(
        "run: {name: tiny}\ndata: {train: x}\ntrain: {steps: 9}\n"
        "model: {width: 24, depth: 1, heads: 2, mlp_width: 32, text_width: 16, text_depth: 1,\n"
        "        text_heads: 2, patch: [1, 2, 2]}\n",
        "tiny", overrides);
  }
  // Commits a step of the run, whose numbers are those of sample_flat.
  std::filesystem::path commit(std::int64_t step, bool averaged = true,
                               const TrainConfig& of = config()) const {
    Parameters parameters;
    const Dit dit(parameters, dit_options(of));
    parameters.allocate(DType::kF32, 1);
    testing::SampleTensors tensors;
    tensors.master = sample_flat(parameters, StateKind::kMaster, step);
    if (averaged) tensors.ema = sample_flat(parameters, StateKind::kEma, step);
    TrainState state = tensors.state(parameters);
    state.step = step;
    state.config = to_yaml(of);
    return save_checkpoint(run() / "checkpoints", state, *solo_group());
  }
  std::filesystem::path run() const { return folder_ / "run"; }

  // Each value rounded to the type that the model computes with.
  static bool holds(const LoadedModel& model, StateKind kind, std::int64_t step) {
    for (const Parameter& parameter : model.parameters.list()) {
      const Tensor values = Tensor::empty(parameter.shape);
      for (std::int64_t i = 0; i < values.numel(); ++i)
        values.data<float>()[i] =
            sample_value(parameter.spec.name, kind, step, parameter.slice().at(i));
      const DType dtype = parameter.spec.wide ? DType::kF32 : compute_dtype(model.config);
      if (!same_bits(parameter.var.value(), values.to(dtype))) return false;
    }
    return true;
  }
  static LoadedModel load(const std::filesystem::path& path,
                          WeightsChoice choice = WeightsChoice::kBest,
                          const std::vector<std::string>& overrides = {},
                          const std::shared_ptr<Group>& world = solo_group()) {
    LoadedModel model(
        {.path = path, .overrides = overrides, .reader = keys_of_evaluate(), .choice = choice},
        world);
    model.load();
    return model;
  }
  static std::string refusal(const std::filesystem::path& path, WeightsChoice choice) {
    try {
      load(path, choice);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    return "";
  }

  testing::ScratchFolder folder_;
};

TEST_F(LoadedModelTest, OfARunIsItsNewestCommitWithTheAveragedWeights) {
  commit(3);
  const std::filesystem::path newest = commit(6);
  const LoadedModel model = load(run());
  EXPECT_EQ(model.step, 6);
  EXPECT_EQ(model.weights, "ema");
  EXPECT_EQ(model.origin, newest);
  EXPECT_EQ(model.hash, hash_file(newest / "manifest.json"));
  EXPECT_TRUE(holds(model, StateKind::kEma, 6));
  EXPECT_EQ(model.config.model.width, 24);
}

TEST_F(LoadedModelTest, OfACommitIsThatOneAndOfOtherWeightsThose) {
  const std::filesystem::path old = commit(3);
  commit(6);
  EXPECT_TRUE(holds(load(old), StateKind::kEma, 3));
  const LoadedModel raw = load(old, WeightsChoice::kRaw);
  EXPECT_EQ(raw.weights, "raw");
  EXPECT_TRUE(holds(raw, StateKind::kMaster, 3));
}

TEST_F(LoadedModelTest, WithoutAnAverageIsRawAndTheAverageIsRefused) {
  commit(3, /*averaged=*/false);
  const LoadedModel model = load(run());
  EXPECT_EQ(model.weights, "raw");
  EXPECT_TRUE(holds(model, StateKind::kMaster, 3));
  const std::string why = refusal(run(), WeightsChoice::kAveraged);
  EXPECT_NE(why.find("no averaged weights; ask for --raw"), std::string::npos) << why;
}

TEST_F(LoadedModelTest, OverridesChangeHowItIsUsed) {
  commit(3);
  EXPECT_EQ(load(run(), WeightsChoice::kBest, {"eval.guidance=7"}).config.eval.guidance, 7);
}

TEST_F(LoadedModelTest, OfABf16RunComputesWithTheRoundedWeights) {
  commit(3, true, config({"train.precision=bf16"}));
  const LoadedModel model = load(run());
  EXPECT_TRUE(holds(model, StateKind::kEma, 3));
  EXPECT_EQ(model.parameters.find("blocks.0.mlp.up.weight")->var.value().dtype(), DType::kBF16);
}

TEST_F(LoadedModelTest, HoldsNoMoreThanTheValues) {
  commit(3);
  const std::size_t before = pool_statistics(Device::kCpu).in_use_bytes;
  const LoadedModel model = load(run(), WeightsChoice::kBest, {"train.precision=bf16"});
  const auto taken = static_cast<std::int64_t>(pool_statistics(Device::kCpu).in_use_bytes - before);
  EXPECT_EQ(model.parameters.flat_size(), 0);
  EXPECT_FALSE(model.parameters.find("blocks.0.mlp.up.weight")->var.requires_grad());
  // Each of two tensors may be rounded up to what the pool hands out.
  EXPECT_LT(taken, 2 * 2 * model.parameter_count) << model.parameter_count;
}

TEST_F(LoadedModelTest, EachRankOfALayoutHoldsItsPart) {
  const TrainConfig deeper = config({"model.depth=2", "parallel.data=3", "parallel.zero=1"});
  commit(3, true, deeper);
  const std::filesystem::path file = folder_ / "w.safetensors";
  export_weights(CheckpointReader(run() / "checkpoints" / commit_name(3)),
                 {.which = StateKind::kEma,
                  .patch = dit_options(deeper).patch,
                  .metadata = export_metadata(deeper, StateKind::kEma, 3, "0.1.0")},
                 file);
  for (const std::filesystem::path& path : {run(), file})
    run_local_ranks(4, [&](const std::shared_ptr<Group>& group) {
      const LoadedModel model =
          load(path, WeightsChoice::kBest, {"parallel.tensor=2", "parallel.pipeline=2"}, group);
      EXPECT_TRUE(holds(model, StateKind::kEma, 3));
      EXPECT_EQ(model.mesh.sizes(), (MeshSizes{.tensor = 2, .pipeline = 2}));
      EXPECT_EQ(model.parameter_count, load(path).parameters.count());
      EXPECT_LT(model.parameters.held_count(), model.parameter_count * 7 / 10);
      EXPECT_EQ(model.parameters.find("blocks.0.mlp.up.weight") != nullptr, group->rank() < 2);
    });
}

TEST_F(LoadedModelTest, ALayoutThatCannotBeIsRefusedBeforeAnythingIsRead) {
  commit(3);
  for (const auto& [override, said] :
       {std::pair{"parallel.tensor=2", "needs 2 ranks"}, {"parallel.zero=1", "parallel.zero"}}) {
    try {
      load(run(), WeightsChoice::kBest, {override});
      ADD_FAILURE() << override;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_NE(std::string(error.what()).find(said), std::string::npos) << error.what();
    }
  }
}

TEST_F(LoadedModelTest, OfAnExportedFileIsWhatTheFileSays) {
  const std::filesystem::path path = folder_ / "w.safetensors";
  for (const StateKind kind : {StateKind::kEma, StateKind::kMaster}) {
    export_weights(CheckpointReader(commit(5)),
                   {.which = kind,
                    .patch = dit_options(config()).patch,
                    .metadata = export_metadata(config(), kind, 5, "0.1.0")},
                   path);
    const LoadedModel model = load(path);
    EXPECT_EQ(model.step, 5);
    EXPECT_EQ(model.origin, path);
    EXPECT_EQ(model.hash, hash_file(path));
    EXPECT_EQ(model.weights, weights_name(kind));
    EXPECT_TRUE(holds(model, kind, 5));
    const bool averaged = kind == StateKind::kEma;
    EXPECT_EQ(refusal(path, averaged ? WeightsChoice::kAveraged : WeightsChoice::kRaw), "");
    const std::string why =
        refusal(path, averaged ? WeightsChoice::kRaw : WeightsChoice::kAveraged);
    EXPECT_NE(why.find(fmt::format("holds the weights '{}'", averaged ? "ema" : "raw")),
              std::string::npos)
        << why;
  }
}

TEST_F(LoadedModelTest, WhatIsNotThereIsNamed) {
  EXPECT_THROW(load(folder_ / "nothing"), Error);
  std::filesystem::create_directories(run() / "checkpoints");
  EXPECT_THROW(load(run()), Error);
}

}  // namespace
}  // namespace muybridge
