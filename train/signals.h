#pragma once

namespace muybridge {

// While one of these is alive, SIGTERM, SIGINT and SIGUSR1 ask the run to stop after a commit
// (exit 75); a second SIGINT ends the process at once. Under Open MPI a SIGUSR1 to mpirun reaches
// all ranks at once, while SIGTERM leaves them about two seconds.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  static bool requested() noexcept;
};

}  // namespace muybridge
