#pragma once

#include <vector>

#include "parallel/schedule/schedule.h"
#include "train/checks/memory_estimate.h"

namespace muybridge {

// What a micro-batch takes of each section of a model, dealt out as make_dit does.
std::vector<HeldMemory> memory_of_sections(const Placement& placement, const DitOptions& o,
                                           const RankShare& share, DType compute,
                                           const MicroBatchSize& batch);

// The bytes that each stage of a pipeline holds at most, of all micro-batches under way; and once
// more what is of texts, which differ in length from micro-batch to micro-batch: the pool keeps
// blocks of the one size while it takes those of another.
std::vector<double> held_by_stage(const PipelineSchedule& schedule,
                                  const std::vector<HeldMemory>& sections);

// As many micro-batches as a step of `micro_batches` has, or fewer that show as much of the
// schedule: what is held, and the way in and out, do not change with more.
int telling_micro_batches(ScheduleKind kind, const Placement& placement, int micro_batches);

}  // namespace muybridge
