#include "core/system/stop_signals.h"

#include <array>
#include <csignal>
#include <cstddef>

#include "core/system/signal_stack.h"

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

}  // namespace

StopSignals::StopSignals() {
  stop_requested = false;
  use_signal_stacks_in_loops();
  struct sigaction action {};
  action.sa_handler = request_stop;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    ::sigaction(kSignals[i], &action, &previous_actions[i]);
}

StopSignals::~StopSignals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    ::sigaction(kSignals[i], &previous_actions[i], nullptr);
}

const std::atomic<bool>& StopSignals::requested() const noexcept { return stop_requested; }

}  // namespace muybridge
