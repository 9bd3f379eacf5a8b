#pragma once

#include <functional>

#include "parallel/group.h"

namespace muybridge {

// What a rank does when its body has returned: meet the others, or leave them to find out.
enum class AtEnd : std::uint8_t { kBarrier, kLeave };

// Runs body(group) on `size` threads, a rank each, whose groups exchange tensors through memory:
// what needs ranks can be tested in one process, with a debugger or a thread sanitizer. Returns
// when all are over; throws what the first failing rank (by number) threw. A rank that throws
// leaves the others to their time limit. Ranks act as if so many of them shared a machine; 0: all.
// They watch each other where `liveness_seconds` is not 0: see Stream.
void run_local_ranks(int size, const std::function<void(const std::shared_ptr<Group>&)>& body,
                     double time_limit_seconds = 60, AtEnd at_end = AtEnd::kBarrier,
                     int ranks_per_machine = 0, double liveness_seconds = 0);

}  // namespace muybridge
