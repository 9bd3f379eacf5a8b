#include "core/system/stop_signals.h"

#include <omp.h>

#include <array>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <mutex>

namespace muybridge {
namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGUSR1};
std::array<struct sigaction, 3> previous_actions;
std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void request_stop(int signal) {
  if (signal == SIGINT && stop_requested.load()) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  stop_requested.store(true);
}

void mask_in_this_thread(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kSignals) sigaddset(&signals, signal);
  ::pthread_sigmask(how, &signals, nullptr);
}

void mask_in_loops(int how) {
  mask_in_this_thread(how);
#pragma omp parallel
  mask_in_this_thread(how);
}

void listen(const std::stop_token& over) {
  mask_in_this_thread(SIG_UNBLOCK);
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait(lock, over, [] { return false; });
}

}  // namespace

StopSignals::StopSignals() {
  stop_requested = false;
  struct sigaction action {};
  action.sa_handler = request_stop;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    ::sigaction(kSignals[i], &action, &previous_actions[i]);
  mask_in_loops(SIG_BLOCK);
  listener_ = std::jthread(listen);
}

// What nobody has heard yet is heard before the handlers go.
StopSignals::~StopSignals() {
  listener_ = {};
  mask_in_loops(SIG_UNBLOCK);
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    ::sigaction(kSignals[i], &previous_actions[i], nullptr);
}

const std::atomic<bool>& StopSignals::requested() const noexcept { return stop_requested; }

}  // namespace muybridge
