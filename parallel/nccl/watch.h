#pragma once

#include <nccl.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace muybridge::nccl {

// Looks after what is under way, so that a rank that is gone or an error of the network ends the
// job with its cause: the host does not wait for operations of the device, and would never know.
class Watch {
 public:
  // `lost` is called at most once, by the watch's thread: when a communicator reports an error, or
  // when nothing that is under way has ended for so long.
  Watch(double time_limit_seconds, std::function<void(const std::string&)> lost);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  struct Entry {
    std::string what;            // "all_reduce of 12 MB in group 'data' of 4 ranks"
    std::function<bool()> over;  // asked again and again, until it is
    ncclComm_t communicator = nullptr;
  };
  void add(Entry entry);
  // Waits until none of these is under way, or something was lost.
  void wait_for(ncclComm_t communicator);
  // Forgets them instead.
  void drop(ncclComm_t communicator);

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  std::string error() const;
  std::string standstill() const;

  const std::chrono::duration<double> limit_;
  const std::function<void(const std::string&)> lost_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> entries_;
  Clock::time_point moved_ = Clock::now();  // when the last one ended, or the first one came
  bool closing_ = false;
  bool over_ = false;  // something was lost
  std::thread thread_;
};

}  // namespace muybridge::nccl
