#pragma once

#include <string>

#include "parallel/schedule/pipeline_schedule.h"

namespace muybridge {

// What is wrong with a schedule, one sentence; empty where nothing is. Every rank must run, for all
// its chunks and micro-batches, Forward, then either Backward or BackwardInput and later
// BackwardWeight, each once; send each output that another rank needs once, after it was made;
// receive each input once, before it is used; and the n-th message that a rank sends to another
// must be the n-th that this one receives from it.
std::string find_fault(const PipelineSchedule& schedule);

}  // namespace muybridge
