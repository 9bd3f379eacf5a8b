#pragma once

#include <atomic>

namespace muybridge {

// While it lives, SIGINT, SIGTERM and SIGUSR1 set stop(); a second one has its usual effect.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  const std::atomic<bool>& stop() const;
};

}  // namespace muybridge
