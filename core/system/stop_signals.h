#pragma once

#include <atomic>
#include <thread>

namespace muybridge {

// While one of these is alive, SIGTERM, SIGINT and SIGUSR1 ask for a stop that loses nothing (exit
// 75); a second SIGINT ends the process at once, a second of the others changes nothing: launchers
// repeat them. Under Open MPI a SIGUSR1 to mpirun reaches all ranks at once, while SIGTERM leaves
// them about two seconds. Not nested.
//
// A thread of its own hears them. They are blocked in the calling thread, in those that share its
// loops, and so in all that these start: the kernels that oneDNN 2.6 compiles for f32 point the
// stack at their workspace on the heap while they run (jit_avx_gemm_f32 with more than 252
// columns), and a handler's frame would be written over what lies below it.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Becomes true soon after the first signal, and stays so.
  const std::atomic<bool>& requested() const noexcept;

 private:
  std::jthread listener_;
};

}  // namespace muybridge
