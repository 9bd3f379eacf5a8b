#include "parallel/host/stream.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "core/log.h"
#include "core/system/host_name.h"
#include "core/system/thread_stack.h"

namespace muybridge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(5);  // for the thread to end
// Operations often come one after another, each waited for: a thread that looks does it all, and
// need not wake this one, which goes on dozing for a while before it sleeps.
constexpr std::chrono::milliseconds kLinger{2};
constexpr std::chrono::microseconds kDoze{250};
constexpr std::chrono::milliseconds kLongPause{1};
constexpr double kSlowStartSeconds = 10;
constexpr double kGraceSeconds = 30;  // for a thread that is busy, not stuck

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

std::shared_ptr<Stream> Stream::start(MakeTransport make_transport, double time_limit_seconds,
                                      double liveness_seconds) {
  prepare_stack_signal();
  std::shared_ptr<Stream> stream(new Stream);
  stream->thread_ = std::thread(
      [stream, start = Start{std::move(make_transport), time_limit_seconds, liveness_seconds,
                             std::make_shared<Activity>()}] { stream->run(start); });
  std::unique_lock lock(stream->mutex_);
  stream->wait_for_start(lock, liveness_seconds);
  if (!stream->engine_) {
    const Failure failure = *stream->failure_;
    lock.unlock();
    stream->thread_.join();
    throw Error(failure.code, failure.message);
  }
  return stream;
}

// MPI connects the ranks in its own time, and where a port is blocked for ever.
void Stream::wait_for_start(std::unique_lock<std::mutex>& lock, double limit_seconds) {
  const auto begin = Clock::now();
  const auto wait_until = [&](double seconds) {
    return changed_.wait_until(lock, begin + std::chrono::duration<double>(seconds),
                               [&] { return engine_ || over_; });
  };
  constexpr const char* kAdvice =
      "If a firewall blocks ports between the machines, open them; if they have networks on which "
      "they cannot reach each other, name the one to use: mpirun --mca btl_tcp_if_include NETWORK "
      "--mca oob_tcp_if_include NETWORK";
  if (limit_seconds <= 0) return changed_.wait(lock, [&] { return engine_ || over_; });
  if (wait_until(std::min(kSlowStartSeconds, limit_seconds))) return;
  log_warning("{}: MPI has not connected the ranks after {:g} s, at most {:g}. {}", host_name(),
              std::min(kSlowStartSeconds, limit_seconds), limit_seconds, kAdvice);
  if (wait_until(limit_seconds)) return;
  log_error("{}: MPI did not connect the ranks within {:g} s (the limit for a sign of life). {}",
            host_name(), limit_seconds, kAdvice);
  std::fflush(nullptr);
  std::_Exit(static_cast<int>(ExitCode::kRankLost));  // the thread is inside MPI
}

Stream::~Stream() {
  if (thread_.joinable()) thread_.detach();  // only when it never ended: see close()
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
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    orderly_ = orderly && !failed();
  }
  engine_->wake();
  {
    std::unique_lock lock(mutex_);
    // An orderly close meets the other ranks and may take as long as they do.
    if (!orderly_ && !changed_.wait_for(lock, kPatience, [this] { return over_; })) {
      log_warning("the communication thread does not end; leaving it behind");
      return;
    }
  }
  if (thread_.joinable()) thread_.join();
}

void Stream::abort(int code) {
  {
    const std::lock_guard lock(mutex_);
    abort_code_ = code;
  }
  engine_->wake();
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(2), [this] { return aborted_ || over_; });
}

void Stream::run(const Start& start) {
  prepare_thread();
  if (make_engine(start)) {
    serve();
    finish();
  }
  const std::lock_guard lock(mutex_);
  over_ = true;
  changed_.notify_all();
}

bool Stream::make_engine(const Start& start) {
  try {
    std::unique_ptr<Transport> transport = start.make_transport();
    rank_ = transport->rank();
    size_ = transport->size();
    largest_context_ = transport->largest_tag() / kTagsOfGroup - 1;
    neighbours_ = transport->neighbours();
    const auto engine = std::make_shared<Engine>(std::move(transport));
    engine->time_limit_seconds = start.time_limit_seconds;
    engine->activity = start.activity;
    if (start.liveness_seconds > 0 && size_ > 1) engine->watch(start.liveness_seconds);
    const std::lock_guard lock(mutex_);
    engine_ = engine;
    changed_.notify_all();
    return true;
  } catch (const Error& error) {
    failure_ = Failure{error.code(), error.what()};
  } catch (const std::exception& error) {
    failure_ = Failure{ExitCode::kInternal, error.what()};
  }
  return false;
}

// Does what close() and abort() ask for.
bool Stream::asked_to_end() {
  std::unique_lock lock(mutex_);
  if (abort_code_) {
    const int code = *std::exchange(abort_code_, std::nullopt);
    lock.unlock();
    engine_->abort(code);
    lock.lock();
    aborted_ = true;
    changed_.notify_all();
  }
  return stopping_;
}

void Stream::serve() {
  Clock::time_point last_move = Clock::now();
  beat_at_ = last_move;
  std::uint64_t pushes = 0;
  while (!asked_to_end()) {
    const Progress::Look seen = engine_->looking > 0 ? Progress::Look::kTaken : engine_->look();
    const Clock::time_point now = Clock::now();
    if (seen == Progress::Look::kMoved || engine_->pushes() != pushes) last_move = now;
    pushes = engine_->pushes();
    require_beat(now);
    require_end();
    if (rest(std::chrono::duration_cast<std::chrono::microseconds>(now - last_move)))
      last_move = Clock::now();
  }
}

bool Stream::rest(std::chrono::microseconds idle) {
  const bool others_look = engine_->looking > 0;
  if (others_look || (engine_->idle() && idle < kLinger)) {
    engine_->doze(others_look ? kLongPause : kDoze);
    return false;
  }
  if (engine_->idle()) {
    engine_->sleep();
    beat_at_ = Clock::now();
    return false;
  }
  const std::chrono::microseconds pause =
      pause_after(idle, engine_->waiting > 0, engine_->unheard());
  if (pause.count() > 0) return engine_->pause(pause);
  std::this_thread::yield();
  return false;
}

// A thread that waits may look and not come back: the network has a lock, or a driver hangs. Its
// Work::wait can then not throw.
void Stream::require_beat(Clock::time_point now) {
  const std::uint64_t beat = engine_->beat;
  if (beat != beat_ || engine_->idle()) {
    beat_ = beat;
    beat_at_ = now;
  } else if (now - beat_at_ >
             std::chrono::duration<double>(engine_->time_limit_seconds + kGraceSeconds)) {
    log_error("a thread is stuck in the network; start the same command again");
    std::_Exit(static_cast<int>(ExitCode::kRankLost));
  }
}

// The rank's own thread learns of a loss when it next waits; it may never do so.
void Stream::require_end() const {
  const std::optional<std::string> why = engine_->overdue();
  if (!why) return;
  log_error("{}", *why);
  std::_Exit(static_cast<int>(ExitCode::kRankLost));
}

void Stream::finish() {
  bool orderly = false;
  {
    const std::lock_guard lock(mutex_);
    orderly = orderly_ && !failed();
  }
  orderly = orderly && engine_->leave();
  std::unique_ptr<Transport> transport =
      engine_->end(ExitCode::kInternal, "a group was used after its job had ended");
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

}  // namespace muybridge
