#include "parallel/host/engine.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "core/log.h"
#include "core/system/thread_stack.h"

namespace muybridge {

using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kFarewell{2};  // for all to hear of a loss before a rank ends
constexpr std::chrono::seconds kOwnEnd{3};    // for the rank's own thread to end it, after that
constexpr std::chrono::seconds kStackPatience{1};
constexpr double kSuspicion = 0.5;  // share of its patience after which a busy rank is the cause

}  // namespace

Engine::Engine(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {
  runner_.emplace(*transport_);
  const Bell shared = transport_->neighbours().bell(transport_->rank());
  bell_ = shared.heard() ? shared : Bell(&own_bell_);
}

Work Engine::push(Operation operation, std::shared_ptr<Engine> self) {
  if (activity) activity->called();
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
  if (awaits_push_ && looking == 0) bell_.ring();
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
    moved |= advance(now);
    if (beats_ && now >= tend_at_) tend_beats(now);
  });
  idle_ = runner_->idle();
  unheard_ = runner_->unheard();
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

bool Engine::advance(OperationRunner::Time now) {
  if (!stalled_.empty()) return false;
  try {
    return runner_->advance(now, std::chrono::duration<double>(time_limit_seconds));
  } catch (const Stalled& stalled) {
    if (!beats_) throw;
    stalled_ = stalled.what();
    const Busy& busiest = beats_->busiest();
    const bool known = busiest.share() > kSuspicion;
    beats_->spread({.kind = known ? Loss::Kind::kHung : Loss::Kind::kStalled,
                    .section = busiest.section,
                    .rank = known ? busiest.rank : stalled.peer(),
                    .reporter = transport_->rank(),
                    .seconds = known ? busiest.seconds : time_limit_seconds.load()});
    tend_at_ = now;
    return false;
  }
}

void Engine::watch(double limit_seconds) {
  beats_ = std::make_unique<Beats>(*transport_, limit_seconds, Clock::now());
  longest_sleep_ = beats_->period();
}

void Engine::name_hosts(std::vector<std::string> hosts) {
  const std::lock_guard lock(mutex_);
  hosts_ = std::move(hosts);
}

Busy Engine::own_state(OperationRunner::Time now) const {
  Busy own{.rank = transport_->rank(), .patience = time_limit_seconds};
  if (!activity) return own;
  const Activity::State state = activity->state(now);
  own.section = state.section;
  own.seconds = state.busy_seconds;
  own.patience = std::min(own.patience, state.patience);
  return own;
}

void Engine::tend_beats(OperationRunner::Time now) {
  tend_at_ = now + beats_->period();
  const Busy own = own_state(now);
  beats_->tend(now, own);
  require_progress(now);
  const std::optional<Loss>& loss = beats_->tend(now, own);  // what is new leaves at once
  if (!loss) return;
  if (!lost_at_) meet_loss(*loss, now);
  if (now - *lost_at_ < kFarewell || failed()) return;
  set_failure(ExitCode::kRankLost, loss_);
  runner_->fail_all(ExitCode::kRankLost, loss_);
}

// A rank that is busy for longer than it may be is at fault only when others wait for it.
void Engine::require_progress(OperationRunner::Time now) {
  const Busy& busiest = beats_->busiest();
  if (busiest.share() < 1 || runner_->silence(now) < busiest.patience) return;
  beats_->spread({.kind = Loss::Kind::kHung,
                  .section = busiest.section,
                  .rank = busiest.rank,
                  .reporter = transport_->rank(),
                  .seconds = busiest.seconds});
}

void Engine::meet_loss(const Loss& loss, OperationRunner::Time now) {
  const std::string stack =
      activity ? stack_of(activity->thread(), kStackPatience) : "nobody watches this rank's thread";
  const bool own_fault = loss.kind == Loss::Kind::kHung && loss.rank == transport_->rank();
  const std::lock_guard lock(mutex_);
  loss_ = describe(loss, hosts_);
  if (!stalled_.empty())
    loss_ = loss.kind == Loss::Kind::kStalled ? stalled_ : fmt::format("{} ({})", loss_, stalled_);
  lost_at_ = now;
  // Now, for the first rank that ends takes the others along.
  log_message(own_fault ? LogLevel::kError : LogLevel::kDebug,
              fmt::format("{}\nThis rank's own thread is in\n{}", loss_, stack));
}

std::optional<std::string> Engine::overdue() const {
  const std::lock_guard lock(mutex_);
  if (!lost_at_ || Clock::now() - *lost_at_ < kFarewell + kOwnEnd) return std::nullopt;
  return loss_;
}

bool Engine::leave() {
  const std::unique_lock lock(looking_mutex_);
  if (!beats_) return true;
  beats_->leave();
  const Clock::time_point begin = Clock::now();
  while (!failed() && !beats_->over()) {
    const Clock::time_point now = Clock::now();
    guarded([&] {
      if (beats_->tend(now, own_state(now)))
        fail(ExitCode::kRankLost, "a rank was lost at the end of the job");
    });
    if (now - begin > std::chrono::duration<double>(beats_->limit_seconds())) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return !failed();
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
  bell_.ring();
}

bool Engine::pause(std::chrono::microseconds time) {
  // While the rank computes, a thread that wakes takes its core.
  return rest_until_push(waiting > 0 ? Bell::For::kAll : Bell::For::kOwn, time);
}

void Engine::doze(std::chrono::microseconds time) { bell_.sleep(Bell::For::kOwn, time); }

void Engine::sleep() {
  if (!idle()) return;
  rest_until_push(Bell::For::kOwn, longest_sleep_.count() > 0
                                       ? std::optional<std::chrono::microseconds>(longest_sleep_)
                                       : std::nullopt);
}

bool Engine::rest_until_push(Bell::For whom, std::optional<std::chrono::microseconds> time) {
  {
    const std::lock_guard lock(mutex_);
    if (arrived_) return true;
    awaits_push_ = true;
  }
  const bool rang = bell_.sleep(whom, time);
  const std::lock_guard lock(mutex_);
  awaits_push_ = false;
  return rang;
}

std::unique_ptr<Transport> Engine::end(ExitCode code, const std::string& message) {
  const std::lock_guard lock(looking_mutex_);
  set_failure(code, message);
  runner_->fail_all(code, message);
  runner_.reset();
  if (beats_ && !beats_->over()) keep_forever(std::shared_ptr<Beats>(std::move(beats_)));
  beats_.reset();
  idle_ = true;
  const std::lock_guard own(mutex_);
  bell_ = Bell(&own_bell_);  // the shared one goes with the transport
  return std::move(transport_);
}

void Engine::abort(int code) {
  std::unique_lock lock(looking_mutex_, std::defer_lock);
  const Clock::time_point limit = Clock::now() + std::chrono::milliseconds(200);
  while (!lock.try_lock() && Clock::now() < limit) std::this_thread::yield();
  if (transport_) transport_->abort(code);
}

}  // namespace muybridge
