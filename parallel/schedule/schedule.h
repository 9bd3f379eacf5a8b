#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "parallel/schedule/costs.h"
#include "parallel/schedule/pipeline_schedule.h"

namespace muybridge {

// docs/schedules.md tells what each does, and its bubble and memory.
enum class ScheduleKind : std::uint8_t { kGpipe, k1F1B, kInterleaved, kZbH1, kZbV, kTuned };

// gpipe, 1f1b, interleaved, zb_h1, zb_v, tuned.
std::string_view to_string(ScheduleKind kind);

// Whether it puts gradients of weights off: it splits a backward in two.
bool puts_weights_off(ScheduleKind kind);

// Where a schedule wants the model's sections. Throws Error(kUsage) where the kind cannot have that
// many virtual stages: gpipe, 1f1b and zb_h1 have one, zb_v two, interleaved and tuned any number.
Placement placement_of(ScheduleKind kind, int stages, int virtual_stages);

struct ScheduleRequest {
  ScheduleKind kind = ScheduleKind::k1F1B;
  int stages = 1;
  int virtual_stages = 1;
  int micro_batches = 1;
  // Of the sections in the order of the model. `tuned` is made for them; for the others they say
  // only where receives are posted best. Without sections all are equal, F = B = W.
  PipelineCosts costs = {};
  // tuned: what a rank's activations may reach, in the unit of costs; 0: 1.1 times what 1F1B needs.
  double memory_limit = 0;
};

// The lists of all ranks with their exchanges: the same wherever it is called. Throws Error(kUsage)
// where there is no such schedule.
PipelineSchedule make_schedule(const ScheduleRequest& request);

}  // namespace muybridge
