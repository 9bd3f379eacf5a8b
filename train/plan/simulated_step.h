#pragma once

#include <map>
#include <string>

#include "parallel/schedule/schedule.h"
#include "parallel/schedule/simulator.h"

namespace muybridge {

// A step of a pipeline by the costs of its sections.
struct SimulatedStep {
  PipelineSchedule schedule;  // of the micro-batches that were simulated, all or some of them
  Simulation simulation;
  double seconds = 0;  // of the whole step
  double bubble = 0;   // share of all ranks' time in which they wait
};

// Makes schedules as training does, for the costs that it reckons with, and simulates them with
// `costs`. A step of very many micro-batches is simulated with fewer, and those that are left out
// take the time of the stage that has most to do. What was simulated once is not simulated again:
// figures that differ by less than a thousandth count as the same.
class SimulatedSteps {
 public:
  const SimulatedStep& of(ScheduleKind kind, const Placement& placement, int micro_batches,
                          const PipelineCosts& reckoned, const PipelineCosts& costs);
  int simulated() const { return simulated_; }

 private:
  std::map<std::string, SimulatedStep> known_;
  int simulated_ = 0;
};

}  // namespace muybridge
