#pragma once

#include "core/dtype.h"
#include "data/loader/loader.h"
#include "eval/render.h"
#include "eval/validation.h"
#include "model/dit_options.h"
#include "parallel/mesh.h"
#include "parallel/schedule/schedule.h"
#include "train/config.h"

namespace muybridge {

// What the rooms below are told, from what the user's file says.
DitOptions dit_options(const TrainConfig& config);
FlowOptions flow_options(const TrainConfig& config);
LoaderOptions loader_options(const TrainConfig& config);
ValidationOptions validation_options(const TrainConfig& config);
RenderOptions render_options(const TrainConfig& config);
DType compute_dtype(const TrainConfig& config);
Sharing sharing_of(const TrainConfig& config);  // parallel.zero
MeshSizes mesh_sizes(const TrainConfig& config);
// Throws Error(kUsage) where the schedule cannot have so many virtual stages.
Placement placement_of(const TrainConfig& config);
// What the stages do in a step of so many micro-batches.
PipelineSchedule schedule_of(const TrainConfig& config, int micro_batches);

}  // namespace muybridge
