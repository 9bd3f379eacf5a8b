#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.h"
#include "parallel/activity.h"
#include "parallel/host/plan.h"

namespace muybridge {

// Which ranks of the job a group has, and what tells its messages from those of other groups.
struct GroupMembers {
  std::string name;
  int rank = 0;            // this process's place in `ranks`
  std::vector<int> ranks;  // of the job
  int context = 0;         // differs between groups that have two ranks in common
};

// Who carries operations out, as those see it who wait for one.
class Progress {
 public:
  enum class Look : std::uint8_t {
    kMoved,  // something was over
    kQuiet,  // nothing was
    kTaken,  // another thread was looking
  };

  virtual ~Progress() = default;
  // A short look at the network, and what there is to do for what has arrived; never blocks.
  virtual Look look() = 0;
  // The calling thread has looked for as long as it wants; others shall.
  virtual void hand_over() = 0;

  std::atomic<int> looking{0};         // threads in Work::wait that look themselves
  std::atomic<int> waiting{0};         // threads in Work::wait that sleep
  std::atomic<std::uint64_t> beat{0};  // changes whenever somebody has looked
  std::atomic<double> time_limit_seconds{0};
  std::shared_ptr<Activity> activity;  // of the rank; null where nobody watches it
};

// How an operation ended, for the threads that wait for it.
class OperationResult final : public Completion {
 public:
  explicit OperationResult(std::shared_ptr<Progress> progress) : progress_(std::move(progress)) {}

  void wait() override;
  bool done() const override;
  // Of the rank; null where nobody watches it.
  Timeline* timeline() const;
  void succeed();
  void fail(ExitCode code, const std::string& message);

 private:
  bool look_until_quiet();
  void sleep_until_done();

  std::shared_ptr<Progress> progress_;
  mutable std::mutex mutex_;
  std::condition_variable over_;
  std::atomic<bool> done_{false};  // set last, under the mutex
  ExitCode code_ = ExitCode::kDone;
  std::string message_;
};

struct Operation {
  const char* what = "";  // "all_reduce"
  std::size_t bytes = 0;  // of its tensors
  std::shared_ptr<const GroupMembers> members;
  // Ordered ones start when those of their group admitted before are over; others at once.
  bool ordered = false;
  Plan plan;
  std::shared_ptr<OperationResult> result;
};

// Messages of a group's collectives and of its exchanges do not mix: each kind has a tag.
constexpr int kTagsOfGroup = 2;
int tag_of(const Operation& operation);

// Keeps what the network may still write to after a failure: it is never freed.
void keep_forever(std::shared_ptr<void> thing);

// "all_reduce of 4194304 bytes in group 'data' (rank 1 of 4)"
std::string describe(const Operation& operation);

}  // namespace muybridge
