#include "parallel/nccl/watch.h"

#include <fmt/format.h>

#include "parallel/nccl/calls.h"

namespace muybridge::nccl {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks(5);

}  // namespace

Watch::Watch(double time_limit_seconds, std::function<void(const std::string&)> lost)
    : limit_(time_limit_seconds), lost_(std::move(lost)), thread_([this] { run(); }) {}

Watch::~Watch() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watch::add(Entry entry) {
  {
    const std::scoped_lock lock(mutex_);
    if (entries_.empty()) moved_ = Clock::now();
    entries_.push_back(std::move(entry));
  }
  changed_.notify_all();
}

void Watch::wait_for(ncclComm_t communicator) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    if (over_) return true;
    for (const Entry& entry : entries_)
      if (entry.communicator == communicator) return false;
    return true;
  });
}

void Watch::drop(ncclComm_t communicator) {
  std::list<Entry> dropped;  // whose tensors go without the lock
  const std::scoped_lock lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->communicator == communicator) dropped.splice(dropped.end(), entries_, entry);
    entry = next;
  }
}

std::string Watch::error() const {
  for (const Entry& entry : entries_) {
    ncclResult_t status = ncclSuccess;
    if (entry.communicator &&
        calls().ncclCommGetAsyncError(entry.communicator, &status) == ncclSuccess &&
        status != ncclSuccess && status != ncclInProgress)
      return fmt::format("NCCL: {}: {}", entry.what, calls().ncclGetErrorString(status));
  }
  return "";
}

std::string Watch::standstill() const {
  if (Clock::now() - moved_ <= limit_) return "";
  return fmt::format(
      "NCCL: {}: nothing has moved for {:.0f} s; a rank is gone, or asks for "
      "something else",
      entries_.front().what, limit_.count());
}

void Watch::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !entries_.empty(); });
    if (closing_) return;
    std::string fault = error();  // of what is over, too
    std::list<Entry> over;
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      const auto next = std::next(entry);
      if (entry->over()) over.splice(over.end(), entries_, entry);
      entry = next;
    }
    if (fault.empty() && over.empty()) fault = standstill();
    if (!fault.empty()) {
      over_ = true;
      lock.unlock();
      changed_.notify_all();
      lost_(fault);
      return;
    }
    if (over.empty()) {
      changed_.wait_for(lock, kBetweenLooks, [this] { return closing_; });
      continue;
    }
    moved_ = Clock::now();
    lock.unlock();
    over.clear();  // their tensors go without the lock
    changed_.notify_all();
    lock.lock();
  }
}

}  // namespace muybridge::nccl
