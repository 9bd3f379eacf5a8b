#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "parallel/schedule/schedule.h"

namespace muybridge {

// One rank's part of a model at the shares that Wan-1.3B has at 32k tokens, of which attention has
// no weights.
inline SectionCost wan_cost() { return {0.389, 0.968, 0.104, 1, 1}; }

// A schedule made for equal sections that cost `rank` on each rank.
inline PipelineSchedule schedule_of(ScheduleKind kind, int stages, int virtual_stages,
                                    int micro_batches, const SectionCost& rank) {
  return make_schedule({.kind = kind,
                        .stages = stages,
                        .virtual_stages = virtual_stages,
                        .micro_batches = micro_batches,
                        .costs = equal_costs(placement_of(kind, stages, virtual_stages), rank)});
}

inline std::string computations_of(const PipelineSchedule& schedule, int rank) {
  return to_string(computations(schedule.ranks[static_cast<std::size_t>(rank)]));
}

}  // namespace muybridge
