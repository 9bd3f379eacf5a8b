#pragma once

#include <atomic>

namespace muybridge {

// While one of these is alive, SIGTERM, SIGINT and SIGUSR1 ask for a stop that loses nothing (exit
// 75); a second SIGINT ends the process at once, a second of the others changes nothing: launchers
// repeat them. Under Open MPI a SIGUSR1 to mpirun reaches all ranks at once, while SIGTERM leaves
// them about two seconds. Not nested.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Becomes true with the first signal, and stays so.
  const std::atomic<bool>& requested() const noexcept;
};

}  // namespace muybridge
