#include "parallel/stream.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <csignal>

#include "core/log.h"
#include "parallel/operation_runner.h"

namespace muybridge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(5);  // for the thread to end

// Signals are for the rank's main thread; sleeps shall last what they say.
void prepare_thread() {
  sigset_t all;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, fault);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds
  prctl(PR_SET_NAME, "communication");
}

}  // namespace

std::shared_ptr<Stream> Stream::start(MakeTransport make_transport, double time_limit_seconds) {
  std::shared_ptr<Stream> stream(new Stream);
  stream->set_time_limit(time_limit_seconds);
  stream->thread_ = std::thread([stream, make = std::move(make_transport)] { stream->run(make); });
  std::unique_lock lock(stream->mutex_);
  stream->changed_.wait(lock, [&] { return stream->ready_ || stream->over_; });
  if (stream->over_) {
    const Failure failure = *stream->failure_;
    lock.unlock();
    stream->thread_.join();
    throw Error(failure.code, failure.message);
  }
  return stream;
}

Stream::~Stream() {
  if (thread_.joinable()) thread_.detach();  // only when it never ended: see close()
}

Work Stream::push(Operation operation) {
  operation.result = std::make_shared<OperationResult>(pulse_);
  Work work(operation.result);
  const std::lock_guard lock(mutex_);
  if (failure_) {
    operation.result->fail(failure_->code, failure_->message);
  } else {
    arrivals_.push_back(std::move(operation));
    wake_.notify_one();
  }
  return work;
}

bool Stream::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_.has_value();
}

int Stream::next_context() const {
  const std::lock_guard lock(mutex_);
  return next_context_;
}

void Stream::take_context(int context) {
  const std::lock_guard lock(mutex_);
  next_context_ = std::max(next_context_, context + 1);
}

void Stream::close(bool orderly) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    orderly_ = orderly && !failure_;
    wake_.notify_one();
    // An orderly close meets the other ranks and may take as long as they do.
    if (!orderly_ && !changed_.wait_for(lock, kPatience, [this] { return over_; })) {
      log_warning("the communication thread does not end; leaving it behind");
      return;
    }
  }
  if (thread_.joinable()) thread_.join();
}

void Stream::abort(int code) {
  std::unique_lock lock(mutex_);
  abort_code_ = code;
  wake_.notify_one();
  changed_.wait_for(lock, std::chrono::seconds(2), [this] { return aborted_ || over_; });
}

void Stream::run(const MakeTransport& make_transport) {
  prepare_thread();
  std::unique_ptr<Transport> transport = make(make_transport);
  if (transport) {
    serve(*transport);
    finish(std::move(transport));
  }
  const std::lock_guard lock(mutex_);
  over_ = true;
  changed_.notify_all();
}

std::unique_ptr<Transport> Stream::make(const MakeTransport& make_transport) {
  try {
    std::unique_ptr<Transport> transport = make_transport();
    const std::lock_guard lock(mutex_);
    rank_ = transport->rank();
    size_ = transport->size();
    largest_context_ = transport->largest_tag() / kTagsOfGroup - 1;
    ready_ = true;
    changed_.notify_all();
    return transport;
  } catch (const Error& error) {
    set_failure(error.code(), error.what());
  } catch (const std::exception& error) {
    set_failure(ExitCode::kInternal, error.what());
  }
  return nullptr;
}

void Stream::serve(Transport& transport) {
  OperationRunner runner(transport);
  Clock::time_point last_move = Clock::now();
  std::vector<Operation> arrivals;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (abort_code_) {
      transport.abort(*abort_code_);
      aborted_ = true;
      changed_.notify_all();
      abort_code_.reset();
    }
    std::swap(arrivals, arrivals_);
    if (arrivals.empty() && runner.idle()) {
      wake_.wait(lock);
      last_move = Clock::now();
      continue;
    }
    lock.unlock();
    const Clock::time_point now = Clock::now();
    ++pulse_->beat;
    bool moved = !arrivals.empty();
    for (Operation& operation : arrivals) runner.admit(std::move(operation), now);
    arrivals.clear();
    try {
      moved |= runner.advance(now, std::chrono::duration<double>(pulse_->time_limit_seconds));
    } catch (const Error& error) {
      set_failure(error.code(), error.what());
      runner.fail_all(error.code(), error.what());
    } catch (const std::exception& error) {
      set_failure(ExitCode::kInternal, error.what());
      runner.fail_all(ExitCode::kInternal, error.what());
    }
    if (moved) last_move = now;
    const auto pause =
        pause_after(std::chrono::duration_cast<std::chrono::microseconds>(now - last_move),
                    pulse_->waiting > 0);
    if (pause.count() == 0) std::this_thread::yield();
    lock.lock();
    if (pause.count() > 0 && arrivals_.empty() && !stopping_ && !abort_code_)
      wake_.wait_for(lock, pause);
  }
}

void Stream::finish(std::unique_ptr<Transport> transport) {
  bool orderly = false;
  {
    const std::lock_guard lock(mutex_);
    orderly = orderly_ && !failure_;
  }
  set_failure(ExitCode::kInternal, "a group was used after its job had ended");
  if (!orderly) {
    keep_forever(std::move(transport));
    return;
  }
  try {
    transport->close();
  } catch (const std::exception& error) {
    log_warning("closing the network: {}", error.what());
  }
}

// The first failure stays. Operations that have arrived but not started get it, too.
void Stream::set_failure(ExitCode code, const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = Failure{code, message};
  for (Operation& operation : arrivals_) operation.result->fail(failure_->code, failure_->message);
  arrivals_.clear();
}

}  // namespace muybridge
