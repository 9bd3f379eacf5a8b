#include "parallel/schedule/schedule.h"

#include <fmt/format.h>

#include <array>

#include "core/error.h"
#include "parallel/schedule/messages.h"
#include "parallel/schedule/orders.h"
#include "parallel/schedule/tuned.h"

namespace muybridge {
namespace {

struct Kind {
  ScheduleKind kind;
  std::string_view name;
  Fold fold;
  int virtual_stages;                 // 0: any number
  Order (*order)(const OrderShape&);  // none: needs the costs
  bool puts_weights_off;
};

constexpr std::array kKinds{
    Kind{ScheduleKind::kGpipe, "gpipe", Fold::kLooped, 1, gpipe, false},
    Kind{ScheduleKind::k1F1B, "1f1b", Fold::kLooped, 1, one_f_one_b, false},
    Kind{ScheduleKind::kInterleaved, "interleaved", Fold::kLooped, 0, interleaved, false},
    Kind{ScheduleKind::kZbH1, "zb_h1", Fold::kLooped, 1, zb_h1, true},
    Kind{ScheduleKind::kZbV, "zb_v", Fold::kV, 2, zb_v, true},
    Kind{ScheduleKind::kTuned, "tuned", Fold::kLooped, 0, nullptr, true},
};

const Kind& kind_of(ScheduleKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view to_string(ScheduleKind kind) { return kind_of(kind).name; }

bool puts_weights_off(ScheduleKind kind) { return kind_of(kind).puts_weights_off; }

Placement placement_of(ScheduleKind kind, int stages, int virtual_stages) {
  const Kind& row = kind_of(kind);
  if (stages < 1 || virtual_stages < 1)
    fail(ExitCode::kUsage, "schedule {}: {} stages of {} virtual stages; both must be at least 1",
         row.name, stages, virtual_stages);
  if (row.virtual_stages != 0 && virtual_stages != row.virtual_stages)
    fail(ExitCode::kUsage, "schedule {}: {} virtual stages; it has {}, set virtual_stages to that",
         row.name, virtual_stages, row.virtual_stages);
  return {stages, virtual_stages, row.fold};
}

PipelineSchedule make_schedule(const ScheduleRequest& request) {
  const Kind& row = kind_of(request.kind);
  const Placement placement = placement_of(request.kind, request.stages, request.virtual_stages);
  if (request.micro_batches < 1)
    fail(ExitCode::kUsage, "schedule {}: {} micro-batches; a step needs at least 1", row.name,
         request.micro_batches);
  const PipelineCosts costs =
      request.costs.sections.empty() ? equal_costs(placement, {}) : request.costs;
  if (static_cast<int>(costs.sections.size()) != placement.sections())
    fail(ExitCode::kUsage, "schedule {}: costs of {} sections for {} stages of {} virtual stages",
         row.name, costs.sections.size(), placement.stages, placement.virtual_stages);
  if (!row.order)
    return place_messages(tuned(placement, request.micro_batches, costs, request.memory_limit),
                          costs);
  PipelineSchedule schedule{placement, request.micro_batches, {}};
  for (int r = 0; r < placement.stages; ++r)
    schedule.ranks.push_back(
        row.order({r, placement.stages, request.micro_batches, placement.virtual_stages}));
  return place_messages(schedule, costs);
}

}  // namespace muybridge
