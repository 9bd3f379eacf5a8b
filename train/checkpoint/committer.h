#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "train/checkpoint/checkpoint.h"
#include "train/checkpoint/state_copies.h"

namespace muybridge {

struct CommitterOptions {
  std::filesystem::path checkpoints;
  int keep = 2;                             // newest commits that stay
  bool behind = true;                       // false: each commit waits until it is on the disk
  int ranks_here = 1;                       // that share this machine's memory
  std::optional<std::int64_t> memory = {};  // bytes that the copy may take; else what is free
};

// Commits the states of a run behind its next steps: the state is copied, which is all that the
// training waits for, and on a device not even that; a thread with a group of its own writes,
// verifies and publishes the copy. One commit at a time. All calls are collective, and what a
// commit failed with is thrown on all ranks by the first call after it.
class Committer {
 public:
  Committer(CommitterOptions options, Group& group);
  // Waits for the commit under way; its error is logged.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Waits for the commit before this one. Where the machine has no room for the copy, the commit is
  // over when this returns, and a warning says so once. Nobody may change the state on a device
  // until before_change().
  void commit(const TrainState& state);
  // Before the state changes. Not collective; the host does not wait.
  void before_change() const;
  // Between two steps: costs nothing while no commit is under way, else one small all_reduce.
  void look();
  // Until no commit is under way.
  void wait();

 private:
  bool make_room(const TrainState& state);
  TrainState copy_of(const TrainState& state);
  void finish();

  CommitterOptions options_;
  Group& group_;
  std::shared_ptr<Group> behind_;  // of the thread
  std::optional<bool> has_room_;
  std::optional<StateCopies> copies_;  // of the elements of all pieces
  std::thread thread_;
  std::atomic<bool> running_ = false;
  std::exception_ptr failure_;  // of the thread, once it does not run
  bool is_lost_ = false;        // that is the failure: for good
  bool under_way_ = false;      // the same on all ranks
  std::int64_t step_ = -1;      // of the last commit
};

}  // namespace muybridge
