#include "data/stop_signal.h"

#include <array>
#include <csignal>
#include <cstddef>

namespace muybridge {
namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGUSR1};
std::array<struct sigaction, 3> previous_actions;
std::atomic<bool> signal_arrived{false};
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

StopOnSignal::StopOnSignal() {
  signal_arrived = false;
  struct sigaction action {};
  action.sa_handler = [](int) { signal_arrived.store(true); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &action, &previous_actions[i]);
  }
}

StopOnSignal::~StopOnSignal() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &previous_actions[i], nullptr);
  }
}

const std::atomic<bool>& StopOnSignal::stop() const { return signal_arrived; }

}  // namespace muybridge
