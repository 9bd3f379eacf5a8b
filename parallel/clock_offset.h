#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "parallel/group.h"

namespace muybridge {

// One question to a clock: when it was sent and answered by the own clock, and what the other said
// in between, in nanoseconds.
struct RoundTrip {
  std::int64_t asked = 0, said = 0, heard = 0;
};
// By how much the own clock is ahead, from the quickest one; zero where it cannot be told from
// zero.
std::int64_t ahead_by(const std::vector<RoundTrip>& trips);

// By how much this rank's steady clock is ahead of that of rank 0, from the quickest of several
// round trips (Cristian 1989): off by at most half of it, and zero where it cannot be told from
// zero. Collective; the ranks meet rank 0 one after another.
std::chrono::nanoseconds clock_ahead(Group& group);

}  // namespace muybridge
