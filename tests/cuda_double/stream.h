#pragma once

#include <cuda_runtime.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

// Streams of the device that is not there. What core issues is done at once; what NCCL is asked for
// and copies beside what is computed are done by a thread of their stream, later: who does not wait
// for them finds what was there before.
namespace muybridge::emulator {

class Event;

class Stream {
 public:
  explicit Stream(bool is_beside = false)
      : is_beside_(is_beside), state_(std::make_shared<State>()) {}
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t handle() { return reinterpret_cast<cudaStream_t>(this); }
  static Stream& of(cudaStream_t handle) { return *reinterpret_cast<Stream*>(handle); }

  // Whether copies are made later, too.
  bool is_beside() const { return is_beside_; }
  void push(std::function<void()> work);
  std::uint64_t pushed() const;
  void wait_for(std::uint64_t ticket) const;
  Event mark() const;
  // What comes next runs behind the event: where it is done at once, the caller waits.
  void hold(const Event& event);
  // Whether that is behind everything that this thread has asked the device for.
  bool is_behind_all() const;

 private:
  friend class Event;
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> queue;
    std::uint64_t pushed = 0, done = 0;
    bool closing = false;
  };
  static void run(State& state);

  const bool is_beside_;
  const std::shared_ptr<State> state_;  // an event may outlive its stream
  std::uint64_t behind_ = 0;            // operations of the thread that uses it
  std::thread thread_;                  // once something was pushed
};

class Event {
 public:
  bool reached() const;
  void wait() const;

 private:
  friend class Stream;
  std::shared_ptr<Stream::State> state_;
  std::uint64_t ticket_ = 0;
  std::uint64_t operations_ = 0;  // of the thread that marked it
};

}  // namespace muybridge::emulator
