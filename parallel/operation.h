#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.h"
#include "parallel/plan.h"

namespace muybridge {

// Which ranks of the job a group has, and what tells its messages from those of other groups.
struct GroupMembers {
  std::string name;
  int rank = 0;            // this process's place in `ranks`
  std::vector<int> ranks;  // of the job
  int context = 0;         // differs between groups that have two ranks in common
};

// What a stream's thread and those who wait for its operations tell each other.
struct Pulse {
  std::atomic<int> waiting{0};         // threads blocked in Work::wait
  std::atomic<std::uint64_t> beat{0};  // changes whenever the thread has looked at the network
  std::atomic<double> time_limit_seconds{0};
};

// How an operation ended, for the threads that wait for it.
class OperationResult final : public Completion {
 public:
  explicit OperationResult(std::shared_ptr<Pulse> pulse) : pulse_(std::move(pulse)) {}

  void wait() override;
  bool done() const override;
  void succeed();
  void fail(ExitCode code, const std::string& message);

 private:
  std::shared_ptr<Pulse> pulse_;
  mutable std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
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
