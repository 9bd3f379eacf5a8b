#pragma once

#include <nccl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace muybridge::nccl {

// Looks after what is under way, so that a rank that is gone or an error of the network ends the
// job with its cause: the host does not wait for operations of the device, and would never know.
class Watch {
 public:
  // `lost` is called at most once, by the watch's thread: when a communicator or the device reports
  // an error, or when nothing that is under way has ended for so long.
  Watch(double time_limit_seconds, std::function<void(const std::string&)> lost);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  struct Entry {
    std::string what;            // "all_reduce of 8 bytes in group 'data' of 4 ranks"
    std::function<bool()> over;  // asked again and again, until it is
    ncclComm_t communicator = nullptr;
  };
  // Entries of a communicator are over in the order in which they come.
  void add(Entry entry);
  // Waits until none of these is under way, or something was lost.
  void wait_for(ncclComm_t communicator);
  // Forgets them instead.
  void drop(ncclComm_t communicator);

  // While one lives, a call that may block is under way.
  class Call {
   public:
    Call(Watch& watch, std::string what);
    ~Call() { *over_ = true; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);
  };

 private:
  using Clock = std::chrono::steady_clock;
  struct Look {
    std::vector<const Entry*> over;
    std::string fault;
  };
  void run();
  std::vector<const Entry*> oldest() const;
  static Look look_at(const std::vector<const Entry*>& entries);
  std::list<Entry> take(const std::vector<const Entry*>& entries);
  std::string standstill() const;

  const std::chrono::duration<double> limit_;
  const std::function<void(const std::string&)> lost_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> entries_;
  Clock::time_point moved_ = Clock::now();  // when the last one ended, or the first one came
  bool looking_ = false;                    // at entries, without the lock
  bool closing_ = false;
  bool over_ = false;  // something was lost
  std::thread thread_;
};

}  // namespace muybridge::nccl
