#include "parallel/host/operation.h"

#include <chrono>
#include <thread>

namespace muybridge {
namespace {

constexpr double kGraceSeconds = 30;  // for a thread that is busy, not stuck
// Of a thread that looks itself: until it offers its core, which costs as much as the smallest
// operation, and until it sleeps.
constexpr std::chrono::microseconds kSpin{3};
constexpr std::chrono::microseconds kPatience{300};

}  // namespace

void OperationResult::wait() {
  if (!done_) {
    const Activity::Wait wait(progress_->activity.get());
    if (!look_until_quiet()) sleep_until_done();
  }
  if (code_ != ExitCode::kDone) throw Error(code_, message_);
}

// The waiting thread does the work: no other has to wake up for it. It soon offers its core to
// others between two looks, and gives up, returning false, once nothing was over for a while.
bool OperationResult::look_until_quiet() {
  using Clock = std::chrono::steady_clock;
  progress_->looking.fetch_add(1);
  Clock::time_point last_move = Clock::now();
  while (!done_) {
    if (progress_->look() == Progress::Look::kMoved) {
      last_move = Clock::now();
    } else {
      const Clock::duration quiet = Clock::now() - last_move;
      if (quiet > kPatience) break;
      if (quiet > kSpin) std::this_thread::yield();
    }
  }
  progress_->looking.fetch_sub(1);
  if (!done_) return false;
  progress_->hand_over();
  return true;
}

void OperationResult::sleep_until_done() {
  progress_->waiting.fetch_add(1);
  progress_->hand_over();  // to who then sees that this one waits
  std::unique_lock lock(mutex_);
  // Who looks watches the time; the count is for a thread that is stuck in the network.
  std::uint64_t beat = progress_->beat;
  int silent_seconds = 0;
  while (!over_.wait_for(lock, std::chrono::seconds(1), [this] { return done_.load(); })) {
    silent_seconds = progress_->beat == beat ? silent_seconds + 1 : 0;
    beat = progress_->beat;
    if (silent_seconds < progress_->time_limit_seconds + kGraceSeconds) continue;
    code_ = ExitCode::kRankLost;
    message_ = "the communication thread does not answer; start the same command again";
    done_ = true;
  }
  progress_->waiting.fetch_sub(1);
}

Timeline* OperationResult::timeline() const {
  Activity* const activity = progress_ ? progress_->activity.get() : nullptr;
  return activity != nullptr ? &activity->timeline : nullptr;
}

bool OperationResult::done() const { return done_; }

void OperationResult::succeed() {
  const std::lock_guard lock(mutex_);
  if (done_) return;
  done_ = true;
  over_.notify_all();
}

void OperationResult::fail(ExitCode code, const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (done_) return;
  code_ = code;
  message_ = message;
  done_ = true;
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
