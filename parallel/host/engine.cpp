#include "parallel/host/engine.h"

#include <thread>
#include <utility>

namespace muybridge {

using Clock = std::chrono::steady_clock;

Engine::Engine(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {
  runner_.emplace(*transport_);
}

Work Engine::push(Operation operation, std::shared_ptr<Engine> self) {
  operation.result = std::make_shared<OperationResult>(std::move(self));
  Work work(operation.result);
  ++pushes_;
  {
    const std::lock_guard lock(mutex_);
    if (failure_) {
      operation.result->fail(failure_->code, failure_->message);
      return work;
    }
    arrivals_.push_back(std::move(operation));
    arrived_ = true;
  }
  // Its first messages leave at once, whatever the thread that looks is doing.
  if (const std::unique_lock lock(looking_mutex_, std::try_to_lock); lock.owns_lock() && runner_)
    guarded([&] { admit_arrivals(Clock::now()); });
  const std::lock_guard lock(mutex_);
  if (rest_ == Rest::kPause && looking == 0) {
    woken_ = true;
    news_.notify_one();
  }
  return work;
}

Progress::Look Engine::look() {
  const std::unique_lock lock(looking_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return Look::kTaken;
  if (!runner_) return Look::kQuiet;
  ++beat;
  bool moved = false;
  guarded([&] {
    const Clock::time_point now = Clock::now();
    moved = admit_arrivals(now);
    moved |= runner_->advance(now, std::chrono::duration<double>(time_limit_seconds));
  });
  idle_ = runner_->idle();
  return moved ? Look::kMoved : Look::kQuiet;
}

bool Engine::admit_arrivals(OperationRunner::Time now) {
  if (!arrived_) return false;
  {
    const std::lock_guard lock(mutex_);
    std::swap(admitted_, arrivals_);
    idle_ = false;
    arrived_ = false;
  }
  for (Operation& operation : admitted_) runner_->admit(std::move(operation), now);
  admitted_.clear();
  runner_->start();
  return true;
}

template <class Body>
void Engine::guarded(const Body& body) {
  const auto fail_all = [&](ExitCode code, const char* message) {
    set_failure(code, message);
    runner_->fail_all(code, message);
  };
  try {
    body();
  } catch (const Error& error) {
    fail_all(error.code(), error.what());
  } catch (const std::exception& error) {
    fail_all(ExitCode::kInternal, error.what());
  }
}

// The first failure stays. Operations that have arrived but not started get it, too.
void Engine::set_failure(ExitCode code, const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = Failure{code, message};
  for (Operation& operation : arrivals_) operation.result->fail(failure_->code, failure_->message);
  arrivals_.clear();
  arrived_ = false;
}

bool Engine::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_.has_value();
}

void Engine::hand_over() {
  if (!idle()) wake();
}

void Engine::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  news_.notify_one();
}

void Engine::pause(std::chrono::microseconds time) {
  std::unique_lock lock(mutex_);
  rest_ = Rest::kPause;
  if (!arrived_) news_.wait_for(lock, time, [this] { return woken_; });
  rest_ = Rest::kNone;
  woken_ = false;
}

void Engine::doze(std::chrono::microseconds time) {
  std::unique_lock lock(mutex_);
  rest_ = Rest::kDoze;
  news_.wait_for(lock, time, [this] { return woken_; });
  rest_ = Rest::kNone;
  woken_ = false;
}

void Engine::sleep() {
  std::unique_lock lock(mutex_);
  rest_ = Rest::kPause;
  if (idle()) news_.wait(lock, [this] { return woken_; });
  rest_ = Rest::kNone;
  woken_ = false;
}

std::unique_ptr<Transport> Engine::end(ExitCode code, const std::string& message) {
  const std::lock_guard lock(looking_mutex_);
  set_failure(code, message);
  runner_->fail_all(code, message);
  runner_.reset();
  idle_ = true;
  return std::move(transport_);
}

void Engine::abort(int code) {
  std::unique_lock lock(looking_mutex_, std::defer_lock);
  const Clock::time_point limit = Clock::now() + std::chrono::milliseconds(200);
  while (!lock.try_lock() && Clock::now() < limit) std::this_thread::yield();
  if (transport_) transport_->abort(code);
}

}  // namespace muybridge
