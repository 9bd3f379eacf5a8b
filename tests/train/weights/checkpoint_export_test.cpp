#include "train/weights/checkpoint_export.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

using namespace testing;

const Grid kPatch{1, 2, 2};  // of the sample's patch embedding [24, 12]

std::filesystem::path commit(const ScratchFolder& folder) {
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    const Parameters parameters = sample_parameters();
    save_checkpoint(folder.path(), sample_state(parameters, 9, group->rank(), 2), *group);
  });
  return folder.path() / commit_name(9);
}

TEST(CheckpointExport, ImportingWhatWasExportedGivesTheSameWeights) {
  const ScratchFolder folder;
  const CheckpointReader reader(commit(folder));
  Parameters parameters = sample_parameters();
  parameters.allocate(DType::kBF16, 3);
  for (const StateKind which : {StateKind::kMaster, StateKind::kEma}) {
    export_weights(reader, {.which = which, .patch = kPatch}, folder / "w.safetensors");
    const SafetensorsReader file(folder / "w.safetensors");
    EXPECT_EQ(file.metadata().at("format"), "pt");
    EXPECT_EQ(file.entries().size(), parameters.list().size() + 2);  // qkv are three
    EXPECT_NE(file.find("blocks.0.attn1.to_v.weight"), nullptr);
    import_weights(file, kPatch, parameters);
    const Tensor expected = sample_flat(parameters, which, 9);
    EXPECT_TRUE(same_bits(parameters.master(), expected));
    EXPECT_TRUE(same_bits(parameters.compute(), expected.to(DType::kBF16)));
  }
}

TEST(CheckpointExport, HalfTheBytesInBf16) {
  const ScratchFolder folder;
  const CheckpointReader reader(commit(folder));
  export_weights(reader, {.which = StateKind::kMaster, .dtype = DType::kBF16, .patch = kPatch},
                 folder / "w.safetensors");
  const SafetensorsReader file(folder / "w.safetensors");
  const Tensor bias = file.read("patch_embedding.bias");
  EXPECT_TRUE(same_bits(bias, [] {
    Tensor wide = Tensor::empty({24});
    for (std::int64_t i = 0; i < 24; ++i)
      wide.data<float>()[i] = sample_value("patch_embedding.bias", StateKind::kMaster, 9, i);
    return wide.to(DType::kBF16);
  }()));
}

TEST(CheckpointExport, AFileThatDoesNotFitSaysWhichTensor) {
  const ScratchFolder folder;
  const CheckpointReader reader(commit(folder));
  export_weights(reader, {.patch = kPatch}, folder / "w.safetensors");
  const SafetensorsReader file(folder / "w.safetensors");
  for (const ParameterSpec& spec :
       {ParameterSpec{.name = "blocks.0.modulation", .shape = {6, 25}},
        ParameterSpec{.name = "blocks.1.modulation", .shape = {6, 24}}}) {
    Parameters other;
    other.add(spec);
    other.allocate(DType::kF32, 1);
    try {
      import_weights(file, kPatch, other);
      FAIL() << spec.name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_NE(std::string(error.what()).find("scale_shift_table"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace muybridge
