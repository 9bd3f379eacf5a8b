#pragma once

#include "parallel/schedule/costs.h"

namespace muybridge {

// The same costs as whole numbers: the largest time and the largest activation are 2^20, and no
// computation takes nothing. Sums of them are exact in double, so that equal instants are equal,
// and what is decided by comparing them is decided alike on every machine.
PipelineCosts in_ticks(const PipelineCosts& costs);

// The factor from the unit of `costs` to ticks of memory.
double memory_ticks(const PipelineCosts& costs);

}  // namespace muybridge
