#include "parallel/operation.h"

#include <chrono>

namespace muybridge {
namespace {

constexpr double kGraceSeconds = 30;  // for a thread that is busy, not stuck

}  // namespace

void OperationResult::wait() {
  std::unique_lock lock(mutex_);
  if (!done_) {
    pulse_->waiting.fetch_add(1);
    // The thread itself watches the time; the count is for a thread that is stuck in the network.
    std::uint64_t beat = pulse_->beat;
    int silent_seconds = 0;
    while (!over_.wait_for(lock, std::chrono::seconds(1), [this] { return done_; })) {
      silent_seconds = pulse_->beat == beat ? silent_seconds + 1 : 0;
      beat = pulse_->beat;
      if (silent_seconds < pulse_->time_limit_seconds + kGraceSeconds) continue;
      done_ = true;
      code_ = ExitCode::kRankLost;
      message_ = "the communication thread does not answer; start the same command again";
    }
    pulse_->waiting.fetch_sub(1);
  }
  if (code_ != ExitCode::kDone) throw Error(code_, message_);
}

bool OperationResult::done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

void OperationResult::succeed() {
  const std::lock_guard lock(mutex_);
  done_ = true;
  over_.notify_all();
}

void OperationResult::fail(ExitCode code, const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (done_) return;
  done_ = true;
  code_ = code;
  message_ = message;
  over_.notify_all();
}

int tag_of(const Operation& operation) {
  return operation.members->context * kTagsOfGroup + (operation.ordered ? 0 : 1);
}

void keep_forever(std::shared_ptr<void> thing) {
  static std::mutex mutex;
  static auto& things = *new std::vector<std::shared_ptr<void>>;
  const std::lock_guard lock(mutex);
  things.push_back(std::move(thing));
}

std::string describe(const Operation& operation) {
  const GroupMembers& members = *operation.members;
  return fmt::format("{} of {} bytes in group '{}' (rank {} of {})", operation.what,
                     operation.bytes, members.name, members.rank, members.ranks.size());
}

}  // namespace muybridge
