#include "tests/cuda_double/stream.h"

#include "tests/cuda_double/device_memory.h"

namespace muybridge::emulator {

Stream::~Stream() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->closing = true;
  }
  state_->changed.notify_all();
  thread_.join();
}

void Stream::push(std::function<void()> work) {
  const std::scoped_lock lock(state_->mutex);
  if (!thread_.joinable()) thread_ = std::thread([state = state_] { run(*state); });
  state_->queue.push_back(std::move(work));
  ++state_->pushed;
  state_->changed.notify_all();
}

std::uint64_t Stream::pushed() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->pushed;
}

void Stream::wait_for(std::uint64_t ticket) const {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->done >= ticket; });
}

Event Stream::mark() const {
  Event event;
  event.state_ = state_;
  event.ticket_ = pushed();
  event.operations_ = operations_of_thread();
  return event;
}

bool Stream::is_behind_all() const { return behind_ >= operations_of_thread(); }

void Stream::hold(const Event& event) {
  behind_ = event.operations_;
  if (event.reached()) return;
  if (thread_.joinable())
    push([event] { event.wait(); });
  else
    event.wait();
}

// All that was pushed is done before the end.
void Stream::run(State& state) {
  std::unique_lock lock(state.mutex);
  while (true) {
    state.changed.wait(lock, [&] { return state.closing || !state.queue.empty(); });
    if (state.queue.empty()) return;
    const std::function<void()> work = std::move(state.queue.front());
    state.queue.pop_front();
    lock.unlock();
    work();
    lock.lock();
    ++state.done;
    state.changed.notify_all();
  }
}

bool Event::reached() const {
  if (!state_) return true;
  const std::scoped_lock lock(state_->mutex);
  return state_->done >= ticket_;
}

void Event::wait() const {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->done >= ticket_; });
}

}  // namespace muybridge::emulator
