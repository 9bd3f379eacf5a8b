#include "train/checks/stage_memory.h"

#include <algorithm>

#include "model/dit_parallel.h"

namespace muybridge {

std::vector<HeldMemory> memory_of_sections(const Placement& placement, const DitOptions& o,
                                           const RankShare& share, DType compute,
                                           const MicroBatchSize& batch) {
  const std::vector<BlockRange> ranges = balanced_sections(o, placement.sections());
  std::vector<HeldMemory> held;
  for (std::size_t i = 0; i < ranges.size(); ++i)
    held.push_back(memory_of_section(o, share, compute, batch,
                                     {.blocks = ranges[i].end - ranges[i].begin,
                                      .first = i == 0,
                                      .last = i + 1 == ranges.size()},
                                     placement.virtual_stages));
  return held;
}

std::vector<double> held_by_stage(const PipelineSchedule& schedule,
                                  const std::vector<HeldMemory>& sections) {
  std::vector<double> stages;
  for (std::size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    double now = 0, most = 0;
    for (const Action& action : schedule.ranks[rank]) {
      if (!action.computes()) continue;
      const int section = schedule.placement.section_of(static_cast<int>(rank), action.chunk);
      const HeldMemory& held = sections[static_cast<std::size_t>(section)];
      switch (action.kind) {
        case ActionKind::kForward:
          now += held.activation;
          break;
        case ActionKind::kBackwardInput:
          now += held.kept - held.activation;
          break;
        case ActionKind::kBackwardWeight:
          now -= held.kept;
          break;
        default:
          now -= held.activation;
      }
      most = std::max(most, now);
    }
    for (int chunk = 0; chunk < schedule.placement.virtual_stages; ++chunk)
      most += sections[static_cast<std::size_t>(
                           schedule.placement.section_of(static_cast<int>(rank), chunk))]
                  .text;
    stages.push_back(most);
  }
  return stages;
}

int telling_micro_batches(ScheduleKind kind, const Placement& placement, int micro_batches) {
  if (kind == ScheduleKind::kGpipe) return micro_batches;
  // What is left out is rounds of all stages, so that the last round is as full as it was.
  const int enough = 4 * placement.sections(), round = placement.stages;
  if (micro_batches <= enough + round) return micro_batches;
  return enough + (micro_batches - enough) % round;
}

}  // namespace muybridge
