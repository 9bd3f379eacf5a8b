#pragma once

#include <cstdint>
#include <vector>

#include "parallel/schedule/costs.h"
#include "parallel/schedule/pipeline_schedule.h"

namespace muybridge {

struct Span {
  double start = 0;
  double finish = 0;
};

// What a schedule would do, by its costs.
struct Simulation {
  std::vector<std::vector<Span>> spans;  // of each rank, of each of its actions
  double finish = 0;                     // when the last rank is done
  double bubble = 0;                     // share of all ranks' time, up to `finish`, that is idle
  std::vector<double> peak_activation;   // of each rank

  double largest_activation() const;
};

enum class Sends : std::uint8_t {
  kBuffered,    // a send returns at once, a computation waits for its input: what executors do
  kRendezvous,  // an exchange returns once all its messages have been received
  kImplied,     // there are no exchanges: outputs arrive by themselves
};

// Throws Error(kInternal), saying what each rank waits for, where the ranks get stuck.
Simulation simulate(const PipelineSchedule& schedule, const PipelineCosts& costs,
                    Sends sends = Sends::kBuffered);

}  // namespace muybridge
