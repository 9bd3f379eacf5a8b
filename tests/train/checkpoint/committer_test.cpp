#include "train/checkpoint/committer.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <thread>

#include "core/error.h"
#include "core/system/file.h"
#include "data/shards/shard_hdf5.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

using namespace testing;
namespace fs = std::filesystem;

// A rank that trains: its state moves from step to step in place.
class Training {
 public:
  explicit Training(Group& group) : group_(group), tensors_(SampleTensors::zeros(parameters_)) {}

  void move_to(std::int64_t step) {
    const SampleTensors next = SampleTensors::of_step(parameters_, step);
    tensors_.master.copy_from(next.master);
    tensors_.momentum.copy_from(next.momentum);
    tensors_.variance.copy_from(next.variance);
    tensors_.ema.copy_from(next.ema);
  }
  TrainState state(std::int64_t step) const {
    return with_records(
        tensors_.state(parameters_, FlatRanges{even_share(parameters_.flat_size(), group_.rank(),
                                                          group_.size())}),
        step);
  }

 private:
  Group& group_;
  const Parameters parameters_ = sample_parameters();
  SampleTensors tensors_;
};

std::string difference(const fs::path& checkpoints, std::int64_t step) {
  const Parameters parameters = sample_parameters();
  TrainState state = blank_state(parameters);
  load_checkpoint(CheckpointReader(checkpoints / commit_name(step)), state);
  return state.step == step ? difference_from_sample(state) : "another step";
}

TEST(Committer, CommitsWhatTheStateWasHoweverItGoesOn) {
  for (const int ranks : {1, 3}) {
    const ScratchFolder folder;
    run_local_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      Training training(*group);
      Committer committer({.checkpoints = folder.path(), .keep = 9}, *group);
      for (std::int64_t step = 1; step <= 6; ++step) {
        training.move_to(step);
        committer.look();
        if (step % 2 == 0) committer.commit(training.state(step));
      }
      training.move_to(7);
      committer.wait();
    });
    EXPECT_EQ(list_commits(folder.path()).size(), 3U);
    for (const std::int64_t step : {2, 4, 6}) EXPECT_EQ(difference(folder.path(), step), "");
    EXPECT_EQ(read_file(folder / "latest"), "step-00000006\n");
  }
}

// HDF5's lock, which a commit needs for the structure of its file, holds it up.
TEST(Committer, TrainingGoesOnWhileACommitIsHeldUp) {
  const ScratchFolder folder;
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    Training training(*group);
    training.move_to(1);
    Committer committer({.checkpoints = folder.path()}, *group);
    std::optional<hdf5::Lock> held;
    if (group->rank() == 0) held.emplace();
    group->barrier().wait();
    committer.commit(training.state(1));
    for (std::int64_t step = 2; step <= 20; ++step) {
      training.move_to(step);
      committer.look();
      EXPECT_TRUE(list_commits(folder.path()).empty());
    }
    held.reset();
    committer.wait();
  });
  EXPECT_EQ(difference(folder.path(), 1), "");
}

TEST(Committer, ASecondCommitAndTheEndWaitForTheFirst) {
  const ScratchFolder folder;
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    Training training(*group);
    {
      Committer committer({.checkpoints = folder.path()}, *group);
      for (const std::int64_t step : {1, 2}) {
        std::atomic<bool> held = false;
        std::thread holder([&] {
          if (group->rank() == 1) {
            held = true;
            return;
          }
          const hdf5::Lock lock;
          held = true;
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
        });
        while (!held) std::this_thread::yield();
        group->barrier().wait();
        training.move_to(step);
        committer.commit(training.state(step));
        EXPECT_EQ(fs::exists(folder / commit_name(1)), step == 2);
        holder.join();
      }
    }
    EXPECT_TRUE(fs::exists(folder / commit_name(2)));
  });
  for (const std::int64_t step : {1, 2}) EXPECT_EQ(difference(folder.path(), step), "");
}

TEST(Committer, AFailureEndsAllRanksAfterTheSameStepWithItsCode) {
  const ScratchFolder folder;
  std::array<std::int64_t, 3> failed_after{};
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    Training training(*group);
    Committer committer({.checkpoints = folder / "checkpoints"}, *group);
    committer.commit(training.state(0));
    committer.wait();
    if (group->rank() == 0) {
      fs::rename(folder / "checkpoints", folder / "kept");
      std::ofstream(folder / "checkpoints") << "a file is in the way";
    }
    group->barrier().wait();
    EXPECT_NO_THROW(committer.commit(training.state(1)));
    for (std::int64_t step = 2; step < 100'000; ++step) {
      try {
        committer.look();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kIo) << error.what();
        failed_after[static_cast<std::size_t>(group->rank())] = step;
        break;
      }
    }
    EXPECT_NO_THROW(committer.wait()) << "it is told once";
  });
  EXPECT_GT(failed_after[0], 0);
  EXPECT_EQ(failed_after[1], failed_after[0]);
  EXPECT_EQ(failed_after[2], failed_after[0]);
  EXPECT_TRUE(fs::exists(folder / "kept" / commit_name(0)));
}

// The name cannot be told to the others, whose threads wait for it.
TEST(Committer, ARankThatFailsWhileTheyExchangeIsLostAndWaitsForNone) {
  const ScratchFolder folder;
  ExitCode code = ExitCode::kDone;
  std::string said;
  std::chrono::duration<double> waited{};
  run_local_ranks(
      2,
      [&](const std::shared_ptr<Group>& group) {
        const Training training(*group);
        Committer committer({.checkpoints = folder.path()}, *group);
        TrainState state = training.state(1);
        if (group->rank() == 1) state.catalogue.front().name = "\xff";
        committer.commit(state);
        const auto begin = std::chrono::steady_clock::now();
        try {
          while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(20))
            committer.look();
        } catch (const Error& error) {
          if (group->rank() == 0) return;  // its time was over
          code = error.code();
          said = error.what();
          waited = std::chrono::steady_clock::now() - begin;
        }
      },
      /*time_limit_seconds=*/1, AtEnd::kLeave);
  EXPECT_EQ(code, ExitCode::kRankLost) << said;
  EXPECT_NE(said.find("UTF-8"), std::string::npos) << said;
  EXPECT_LT(waited.count(), 0.5);
  EXPECT_TRUE(list_commits(folder.path()).empty());
}

TEST(Committer, WithoutRoomForTheCopyOnAnyRankACommitIsOverWhenItReturns) {
  const ScratchFolder folder;
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    Training training(*group);
    CommitterOptions options{.checkpoints = folder.path(), .keep = 9};
    options.memory = group->rank() == 1 ? 100 : 1'000'000;
    Committer without_room(options, *group);
    options = {.checkpoints = folder.path(), .keep = 9, .behind = false};
    Committer told_to_wait(options, *group);
    for (std::int64_t step = 1; step <= 4; ++step) {
      training.move_to(step);
      (step % 2 == 0 ? told_to_wait : without_room).commit(training.state(step));
      EXPECT_EQ(read_file(folder / "latest"), commit_name(step) + "\n");
      group->barrier().wait();
    }
  });
  for (const std::int64_t step : {1, 2, 3, 4}) EXPECT_EQ(difference(folder.path(), step), "");
}

}  // namespace
}  // namespace muybridge
