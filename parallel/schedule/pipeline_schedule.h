#pragma once

#include <vector>

#include "parallel/schedule/action.h"
#include "parallel/schedule/placement.h"

namespace muybridge {

// What every rank of a pipeline does in one step, as data.
struct PipelineSchedule {
  Placement placement;
  int micro_batches = 1;
  std::vector<Order> ranks;
};

}  // namespace muybridge
