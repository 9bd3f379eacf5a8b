#pragma once

#include <chrono>

#include "core/system/stop_signals.h"
#include "parallel/group.h"

namespace muybridge {

// Whether the run shall commit and stop: a signal came to some rank, or the time is over. While one
// is alive signals are taken.
class StopRequest {
 public:
  // `max_seconds` from now; 0: no limit.
  StopRequest(Group& group, double max_seconds) : group_(group), max_seconds_(max_seconds) {}

  double seconds() const;                                   // since it was made
  bool asked_here() const { return signals_.requested(); }  // by a signal to this rank
  // The same answer on all ranks. Collective.
  bool agreed() const;

 private:
  Group& group_;
  double max_seconds_;
  StopSignals signals_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace muybridge
