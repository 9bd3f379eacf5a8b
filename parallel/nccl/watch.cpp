#include "parallel/nccl/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <set>

#include "core/cuda/context.h"
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

Watch::Call::Call(Watch& watch, std::string what) {
  watch.add({.what = std::move(what), .over = [over = over_] { return over->load(); }});
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
    return over_ || std::ranges::none_of(entries_, [&](const Entry& entry) {
             return entry.communicator == communicator;
           });
  });
}

void Watch::drop(ncclComm_t communicator) {
  std::list<Entry> dropped;  // whose tensors go without the lock
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !looking_; });
  std::vector<const Entry*> of_it;
  for (const Entry& entry : entries_)
    if (entry.communicator == communicator) of_it.push_back(&entry);
  dropped = take(of_it);
  lock.unlock();
}

// The first of each communicator, and all calls.
std::vector<const Watch::Entry*> Watch::oldest() const {
  std::vector<const Entry*> found;
  std::set<ncclComm_t> seen;
  for (const Entry& entry : entries_)
    if (!entry.communicator || seen.insert(entry.communicator).second) found.push_back(&entry);
  return found;
}

Watch::Look Watch::look_at(const std::vector<const Entry*>& entries) {
  Look look;
  for (const Entry* const entry : entries) {
    ncclResult_t status = ncclSuccess;
    if (entry->communicator &&
        calls().ncclCommGetAsyncError(entry->communicator, &status) == ncclSuccess &&
        status != ncclSuccess && status != ncclInProgress)
      look.fault = fmt::format("NCCL: {}: {}", entry->what, calls().ncclGetErrorString(status));
    try {
      if (entry->over()) look.over.push_back(entry);
    } catch (const std::exception& error) {
      look.fault = fmt::format("NCCL: {}: {}", entry->what, error.what());
    }
  }
  return look;
}

std::list<Watch::Entry> Watch::take(const std::vector<const Entry*>& entries) {
  std::list<Entry> taken;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (std::ranges::find(entries, &*entry) != entries.end())
      taken.splice(taken.end(), entries_, entry);
    entry = next;
  }
  return taken;
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
  bool on_device = false;
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !entries_.empty(); });
    if (closing_) return;
    // The driver may take its time: whoever adds an entry does not wait for it.
    const std::vector<const Entry*> entries = oldest();
    looking_ = true;
    lock.unlock();
    if (!on_device) cuda::Context::get();  // makes the device current for this thread
    on_device = true;
    Look look = look_at(entries);
    lock.lock();
    looking_ = false;
    std::list<Entry> over = take(look.over);
    if (look.fault.empty() && over.empty() && !entries_.empty()) look.fault = standstill();
    over_ = !look.fault.empty();
    if (!over.empty()) moved_ = Clock::now();
    const bool rest = over.empty();
    lock.unlock();
    over.clear();  // their tensors go without the lock
    changed_.notify_all();
    if (!look.fault.empty()) return lost_(look.fault);
    lock.lock();
    if (rest) changed_.wait_for(lock, kBetweenLooks, [this] { return closing_; });
  }
}

}  // namespace muybridge::nccl
