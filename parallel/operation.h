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
  std::size_t bytes = 0;  // of its tensor
  std::shared_ptr<const GroupMembers> members;
  int channel = 0;       // part of the tag of its messages, below kChannels
  bool ordered = false;  // starts when ordered operations of its group admitted before it are over
  Plan plan;
  std::shared_ptr<OperationResult> result;
};

constexpr int kChannels = Group::kLargestTag + 2;  // tags of send and recv, and one more
constexpr int kCollectiveChannel = Group::kLargestTag + 1;

// Keeps what the network may still write to after a failure: it is never freed.
void keep_forever(std::shared_ptr<void> thing);

// "all_reduce of 4194304 bytes in group 'data' (rank 1 of 4)"
std::string describe(const Operation& operation);

}  // namespace muybridge
