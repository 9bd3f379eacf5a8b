#pragma once

#include <chrono>

#include "parallel/group.h"

namespace muybridge {

// By how much this rank's steady clock is ahead of that of rank 0, from the quickest of several
// round trips (Cristian 1989): off by at most half of it, and zero where it cannot be told from
// zero. Collective; the ranks meet rank 0 one after another.
std::chrono::nanoseconds clock_ahead(Group& group);

}  // namespace muybridge
