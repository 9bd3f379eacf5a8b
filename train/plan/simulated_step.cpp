#include "train/plan/simulated_step.h"

#include <fmt/format.h>

#include <algorithm>

#include "train/checks/stage_memory.h"

namespace muybridge {
namespace {

std::string in_words(const PipelineCosts& costs) {
  std::string words = fmt::format("; {:.4g}", costs.communication);
  for (const SectionCost& s : costs.sections)
    words += fmt::format(" {:.4g},{:.4g},{:.4g},{:.4g},{:.4g}", s.forward, s.backward_input,
                         s.backward_weight, s.activation, s.kept);
  return words;
}

// What each stage computes for a micro-batch.
std::vector<double> work_by_stage(const Placement& placement, const PipelineCosts& costs) {
  std::vector<double> work(static_cast<std::size_t>(placement.stages));
  for (int section = 0; section < placement.sections(); ++section) {
    const SectionCost& cost = costs.sections[static_cast<std::size_t>(section)];
    work[static_cast<std::size_t>(placement.place_of(section).rank)] +=
        cost.forward + cost.backward();
  }
  return work;
}

}  // namespace

const SimulatedStep& SimulatedSteps::of(ScheduleKind kind, const Placement& placement,
                                        int micro_batches, const PipelineCosts& reckoned,
                                        const PipelineCosts& costs) {
  const std::string name = fmt::format("{} {} {} {}", to_string(kind), placement.stages,
                                       placement.virtual_stages, micro_batches) +
                           in_words(reckoned) + in_words(costs);
  const auto found = known_.find(name);
  if (found != known_.end()) return found->second;
  ++simulated_;
  const int told = telling_micro_batches(kind, placement, micro_batches);
  SimulatedStep timeline;
  timeline.schedule = make_schedule({.kind = kind,
                                     .stages = placement.stages,
                                     .virtual_stages = placement.virtual_stages,
                                     .micro_batches = told,
                                     .costs = reckoned});
  timeline.simulation = simulate(timeline.schedule, costs);
  const std::vector<double> work = work_by_stage(placement, costs);
  double all = 0;
  for (const double each : work) all += each;
  timeline.seconds =
      timeline.simulation.finish + (micro_batches - told) * *std::ranges::max_element(work);
  const double busy = all * micro_batches / placement.stages;
  timeline.bubble = timeline.seconds > 0 ? std::max(0.0, 1 - busy / timeline.seconds) : 0;
  return known_.emplace(name, std::move(timeline)).first->second;
}

}  // namespace muybridge
