#include "train/checkpoint/replicas.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

using namespace testing;

// A commit of `ranks` that hold the same, after `change` on each; what it failed with on rank 0.
template <class Change>
std::string commit(int ranks, const std::filesystem::path& folder, const Change& change) {
  std::string message;
  int failed = 0;
  std::mutex mutex;
  run_local_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
    const Parameters parameters = sample_parameters();
    const Tensor& master = parameters.master();
    master.copy_from(sample_flat(parameters, StateKind::kMaster, 1));
    change(group->rank(), parameters, master);
    TrainState state = sample_state(parameters, 1, group->rank(), ranks);
    state.weights = hash_weights(parameters, Mesh(group));
    try {
      save_checkpoint(folder, state, *group);
    } catch (const Error& error) {
      const std::lock_guard lock(mutex);
      EXPECT_EQ(error.code(), ExitCode::kInternal);
      ++failed;
      if (group->rank() == 0) message = error.what();
    }
  });
  EXPECT_TRUE(failed == 0 || failed == ranks) << failed;
  return message;
}

void nudge(const Parameters& parameters, const Tensor& flat, const std::string& name) {
  float& value = parameters.slice(flat, *parameters.find(name)).data<float>()[5];
  value = std::nextafter(value, 9.0F);
}

TEST(Replicas, ACommitNamesTheRankThatDriftedAndTheParameter) {
  const ScratchFolder folder;
  EXPECT_EQ(commit(3, folder / "same", [](int, const Parameters&, const Tensor&) {}), "");
  EXPECT_EQ(list_commits(folder / "same").size(), 1U);
  for (int drifted = 0; drifted < 3; ++drifted) {
    const std::string message = commit(
        3, folder / "other", [&](int rank, const Parameters& parameters, const Tensor& flat) {
          if (rank == drifted) nudge(parameters, flat, "blocks.0.modulation");
        });
    EXPECT_TRUE(message.starts_with(
        fmt::format("rank {} should hold the values of blocks.0.modulation that ranks {}, {} hold",
                    drifted, drifted == 0 ? 1 : 0, drifted == 2 ? 1 : 2)))
        << message;
    EXPECT_TRUE(list_commits(folder / "other").empty());
  }
}

TEST(Replicas, OfTwoBothAreNamed) {
  const ScratchFolder folder;
  const std::string message =
      commit(2, folder.path(), [](int rank, const Parameters& parameters, const Tensor& flat) {
        if (rank == 1) nudge(parameters, flat, "patch_embedding.bias");
      });
  EXPECT_TRUE(message.starts_with(
      "ranks 0, 1 should hold the same values of patch_embedding.bias and do not"))
      << message;
}

// A matrix that tensor ranks share, and what all of them hold.
void share(Parameters& parameters, const Mesh& mesh) {
  const Var split = parameters.add({.name = "split", .shape = {6, 8}});
  const Var all = parameters.add({.name = "all", .shape = {9}});
  parameters.place(split,
                   {.axis = 1, .part = mesh.coordinate().tensor, .parts = mesh.sizes().tensor},
                   kReplicas);
  parameters.place(all, {}, kOverTensor);
  parameters.allocate(DType::kF32, 1);
}

// Shares of one matrix differ, and should; what all hold is compared.
TEST(Replicas, OnlyRanksThatHoldTheSameAreCompared) {
  for (const bool drifts : {false, true})
    run_local_ranks(4, [&](const std::shared_ptr<Group>& group) {
      const Mesh mesh({.data = 2, .tensor = 2}, group);
      Parameters parameters;
      share(parameters, mesh);
      const Tensor& flat = parameters.master();
      flat.copy_from(sample_flat(parameters, StateKind::kMaster, 1));
      if (drifts && group->rank() == 3) nudge(parameters, flat, "split");
      std::string message;
      try {
        require_same_weights(hash_weights(parameters, mesh), *group);
      } catch (const Error& error) {
        message = error.what();
      }
      EXPECT_EQ(message.substr(0, message.find(" and do not")),
                drifts ? "ranks 1, 3 should hold the same values of split" : "");
    });
}

TEST(Replicas, ARankThatFailsWhileTheyCompareIsLost) {
  ExitCode code = ExitCode::kDone;
  run_local_ranks(
      2,
      [&](const std::shared_ptr<Group>& group) {
        try {
          require_same_weights({{.what = group->rank() == 1 ? "\xff" : "all"}}, *group);
        } catch (const Error& error) {
          if (group->rank() == 1) code = error.code();
        }
      },
      /*time_limit_seconds=*/0.5, AtEnd::kLeave);
  EXPECT_EQ(code, ExitCode::kRankLost);
}

TEST(Replicas, WhatNoOtherRankHoldsIsNotHashed) {
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    const Mesh mesh({.tensor = 2}, group);
    Parameters parameters;
    share(parameters, mesh);
    const std::vector<HeldWeights> held = hash_weights(parameters, mesh);
    ASSERT_EQ(held.size(), 1U);
    ASSERT_EQ(held[0].hashes.size(), 1U);
    EXPECT_EQ(held[0].hashes[0].first, "all");
  });
}

}  // namespace
}  // namespace muybridge
