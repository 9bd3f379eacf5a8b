#pragma once

#include <string>

#include "train/plan/estimate.h"

namespace muybridge {

// A step of one replica as an SVG picture: a line a stage, its forwards, backwards and waits along
// the time, and what comes behind the last backward. Of a step of very many micro-batches it shows
// those that were simulated.
std::string draw_timeline(const Estimate& estimate, const SimulatedStep& timeline,
                          const StepModel& model);

}  // namespace muybridge
