#include "train/checkpoint/checkpoint.h"

#include <gtest/gtest.h>

#include <ctime>
#include <thread>

#include "core/error.h"
#include "core/system/file.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

using namespace testing;

void save(const std::filesystem::path& folder, std::int64_t step, int ranks, int keep = 2) {
  run_local_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
    const Parameters parameters = sample_parameters();
    save_checkpoint(folder, sample_state(parameters, step, group->rank(), ranks), *group, keep);
  });
}

std::string message_of(const std::function<void()>& action, ExitCode expected) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), expected) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

TEST(Checkpoint, AnyLayoutLoadsWhatAnyOtherSaved) {
  const ScratchFolder folder;
  for (const int writers : {1, 2, 3, 7}) {
    save(folder.path(), writers, writers);
    for (const int readers : {1, 2, 3}) {
      run_local_ranks(readers, [&](const std::shared_ptr<Group>&) {
        const Parameters parameters = sample_parameters();
        TrainState state = blank_state(parameters);
        load_checkpoint(CheckpointReader(folder.path() / commit_name(writers)), state);
        EXPECT_EQ(difference_from_sample(state), "");
      });
    }
  }
}

TEST(Checkpoint, ModelsThatAddTheirParametersInAnotherOrderLoadTheSameValues) {
  const ScratchFolder folder;
  save(folder.path(), 4, 2);
  const Parameters forwards = sample_parameters();
  Parameters backwards;
  for (auto parameter = forwards.list().rbegin(); parameter != forwards.list().rend(); ++parameter)
    backwards.add(parameter->spec);
  backwards.allocate(DType::kF32, 1);
  TrainState state = blank_state(backwards);
  load_checkpoint(CheckpointReader(folder.path() / commit_name(4)), state);
  EXPECT_EQ(difference_from_sample(state), "");
}

TEST(Checkpoint, TheSameStateGivesTheSameBytes) {
  const ScratchFolder folder;
  save(folder / "a", 3, 2);
  // HDF5 counts seconds: what it writes in the next one shows whether they are in the file.
  for (const std::time_t then = std::time(nullptr); std::time(nullptr) == then;)
    std::this_thread::yield();
  save(folder / "b", 3, 2);
  for (const char* name : {"manifest.json", "rank-0000.h5", "rank-0001.h5"})
    EXPECT_EQ(read_file(folder / "a" / commit_name(3) / name),
              read_file(folder / "b" / commit_name(3) / name))
        << name;
}

TEST(Checkpoint, DoublesStayDoubles) {
  const ScratchFolder folder;
  Parameters parameters = sample_parameters();
  const auto group = solo_group();
  SampleTensors tensors;
  tensors.master = sample_flat(parameters, StateKind::kMaster, 1).to(DType::kF64);
  tensors.master.data<double>()[0] = 1.0 + 0x1p-50;
  save_checkpoint(folder.path(), tensors.state(parameters), *group);
  SampleTensors loaded;
  loaded.master = Tensor::zeros({parameters.flat_size()}, DType::kF64);
  TrainState state = loaded.state(parameters);
  load_checkpoint(CheckpointReader(folder.path() / commit_name(0)), state);
  EXPECT_TRUE(same_bits(loaded.master, tensors.master));
}

TEST(Checkpoint, WeightsLoadIntoTheModelAndItsComputeCopy) {
  const ScratchFolder folder;
  save(folder.path(), 6, 2);
  const Parameters parameters = sample_parameters(DType::kBF16);
  const CheckpointReader reader(folder.path() / commit_name(6));
  for (const StateKind kind : {StateKind::kMaster, StateKind::kEma}) {
    load_weights(reader, catalogue_of(parameters), parameters, kind);
    const Tensor expected = sample_flat(parameters, kind, 6);
    EXPECT_TRUE(same_bits(parameters.master(), expected));
    EXPECT_TRUE(same_bits(parameters.compute(), expected.to(DType::kBF16)));
  }
}

// A commit is of what is trained: what is frozen comes from elsewhere.
TEST(Checkpoint, FrozenParametersAreNoPartOfIt) {
  const ScratchFolder folder;
  const auto make = [] {
    Parameters parameters;
    parameters.add({.name = "base", .shape = {5, 40}});
    parameters.freeze(parameters.list()[0].var);
    parameters.add({.name = "adapter", .shape = {3, 7}});
    parameters.allocate(DType::kF32, 1);
    return parameters;
  };
  const Parameters parameters = make();
  const SampleTensors tensors{Tensor::full({parameters.flat_size()}, 4.0), {}, {}, {}};
  save_checkpoint(folder.path(), with_records(tensors.state(parameters), 2), *solo_group());
  const CheckpointReader reader(folder.path() / commit_name(2));
  ASSERT_EQ(reader.manifest().parameters.size(), 1U);
  EXPECT_EQ(reader.manifest().parameters[0].name, "adapter");
  const Parameters other = make();
  SampleTensors loaded;
  loaded.master = Tensor::zeros({other.flat_size()});
  TrainState state = loaded.state(other);
  load_checkpoint(reader, state);
  EXPECT_EQ(loaded.master.data<float>()[20], 4.0F);
}

TEST(Checkpoint, AnEmaThatWasNotSavedBeginsAsTheWeights) {
  const ScratchFolder folder;
  const Parameters parameters = sample_parameters();
  SampleTensors tensors = SampleTensors::of_step(parameters, 2);
  tensors.ema = {};
  save_checkpoint(folder.path(), with_records(tensors.state(parameters), 2), *solo_group());
  const CheckpointReader reader(folder.path() / commit_name(2));
  const SampleTensors loaded = SampleTensors::zeros(parameters);
  TrainState state = loaded.state(parameters);
  load_checkpoint(reader, state);
  EXPECT_TRUE(same_bits(loaded.ema, tensors.master));

  const Parameters model = sample_parameters();
  message_of([&] { load_weights(reader, catalogue_of(model), model, StateKind::kEma); },
             ExitCode::kUsage);
}

TEST(Checkpoint, WeightsAloneAreNotEnoughToGoOn) {
  const ScratchFolder folder;
  const Parameters parameters = sample_parameters();
  SampleTensors tensors = SampleTensors::of_step(parameters, 2);
  tensors.momentum = tensors.variance = {};
  save_checkpoint(folder.path(), with_records(tensors.state(parameters), 2), *solo_group());
  TrainState loaded = blank_state(parameters);
  const std::string message =
      message_of([&] { load_checkpoint(CheckpointReader(folder.path() / commit_name(2)), loaded); },
                 ExitCode::kUsage);
  EXPECT_NE(message.find("momentum"), std::string::npos) << message;
}

TEST(Checkpoint, KeepsTheNewestAndLatestNamesTheLast) {
  const ScratchFolder folder;
  for (const std::int64_t step : {10, 20, 30, 40}) save(folder.path(), step, 2, 2);
  EXPECT_EQ(names_in(folder.path()),
            (std::vector<std::string>{"latest", "step-00000030", "step-00000040"}));
  EXPECT_EQ(read_file(folder / "latest"), "step-00000040\n");
}

TEST(Checkpoint, ACommitOfTheSameStepReplacesTheOneThatIsThere) {
  const ScratchFolder folder;
  save(folder.path(), 10, 3);
  save(folder.path(), 10, 1);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"latest", "step-00000010"}));
  EXPECT_EQ(CheckpointReader(folder / "step-00000010").manifest().ranks, 1);
}

TEST(Checkpoint, WhenOneRankFailsAllDoAndTheOldCommitStays) {
  const ScratchFolder folder;
  save(folder.path(), 10, 3);
  std::array<std::string, 3> messages;
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    const Parameters parameters = sample_parameters();
    TrainState state = sample_state(parameters, 20, group->rank(), 3);
    if (group->rank() == 1) state.pieces[1].elements = state.pieces[1].elements.to(DType::kF64);
    try {
      save_checkpoint(folder.path(), state, *group);
    } catch (const std::exception& error) {
      messages[static_cast<std::size_t>(group->rank())] = error.what();
    }
  });
  EXPECT_NE(messages[1].find("element type"), std::string::npos) << messages[1];
  for (const int rank : {0, 2}) EXPECT_EQ(messages[rank], "rank 1: " + messages[1]);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"latest", "step-00000010"}));
  EXPECT_NO_THROW(CheckpointReader(folder / "step-00000010").verify());
}

// Rank 0 alone finds that out, when all files are written.
TEST(Checkpoint, WhatRankZeroRefusesLeavesNothingEither) {
  const ScratchFolder folder;
  save(folder.path(), 10, 2);
  EXPECT_THROW(run_local_ranks(2,
                               [&](const std::shared_ptr<Group>& group) {
                                 const Parameters parameters = sample_parameters();
                                 TrainState state = sample_state(parameters, 20, group->rank(), 2);
                                 if (group->rank() == 1)
                                   for (StatePiece& piece : state.pieces)
                                     piece.elements = piece.elements.to(DType::kF64);
                                 save_checkpoint(folder.path(), state, *group);
                               }),
               std::invalid_argument);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"latest", "step-00000010"}));
}

TEST(Checkpoint, SlicesThatDoNotMakeTheWholeAreRefused) {
  const ScratchFolder folder;
  EXPECT_THROW(run_local_ranks(2,
                               [&](const std::shared_ptr<Group>& group) {
                                 const Parameters parameters = sample_parameters();
                                 TrainState state = sample_state(parameters, 1, group->rank(), 2);
                                 if (group->rank() == 1) state.pieces.pop_back();
                                 save_checkpoint(folder.path(), state, *group);
                               }),
               Error);
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(Checkpoint, AModelThatDoesNotFitIsToldWhichTensorAndBothShapes) {
  const ScratchFolder folder;
  save(folder.path(), 1, 2);
  Parameters other;
  const Parameters original = sample_parameters();
  for (const Parameter& parameter : original.list()) {
    ParameterSpec spec = parameter.spec;
    if (spec.name == "blocks.0.modulation") spec.shape = {6, 32};
    if (spec.name == "blocks.0.norm3.weight") spec.name = "blocks.0.norm4.weight";
    other.add(spec);
  }
  other.allocate(DType::kF32, 1);
  const std::string message = message_of(
      [&] {
        load_weights(CheckpointReader(folder.path() / commit_name(1)), catalogue_of(other), other,
                     StateKind::kMaster);
      },
      ExitCode::kUsage);
  for (const char* part :
       {"blocks.0.modulation is [6, 24] in the checkpoint, [6, 32] in the model",
        "blocks.0.norm4.weight [1] is not in the checkpoint (nearest: blocks.0.norm3.weight)",
        "blocks.0.norm3.weight [1] is not in the model (nearest: blocks.0.norm4.weight)"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

}  // namespace
}  // namespace muybridge
