#include "train/signals.h"

#include <csignal>

namespace muybridge {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGUSR1};
volatile std::sig_atomic_t stop_requested = 0;

void request_stop(int signal) {
  if (signal == SIGINT && stop_requested) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  stop_requested = 1;
}

}  // namespace

StopSignals::StopSignals() {
  stop_requested = 0;
  for (const int signal : kSignals) std::signal(signal, request_stop);
}

StopSignals::~StopSignals() {
  for (const int signal : kSignals) std::signal(signal, SIG_DFL);
}

bool StopSignals::requested() noexcept { return stop_requested != 0; }

}  // namespace muybridge
