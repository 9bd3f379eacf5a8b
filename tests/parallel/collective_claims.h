#pragma once

#include <memory>

#include "parallel/group.h"

namespace muybridge {

// What the host backend promises, checked on this rank with expectations of GoogleTest: each
// collective on keyed random data against what a sum over all ranks' data gives, bit for bit. All
// ranks of the group call these together. `ranks_per_machine`: the order in which the host backend
// sums, see StreamGroup; 0: all.
void expect_all_reduce(Group& group, int ranks_per_machine = 0);
void expect_broadcast(Group& group);
void expect_all_gather(Group& group);
void expect_reduce_scatter(Group& group);
void expect_all_to_all(Group& group);
void expect_exchange(Group& group);
void expect_exchanges_under_way_together(Group& group);
void expect_split(Group& group);
void expect_many_under_way(Group& group, int ranks_per_machine = 0);

}  // namespace muybridge
