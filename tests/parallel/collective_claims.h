#pragma once

#include <memory>

#include "parallel/group.h"

namespace muybridge {

// What every group promises, checked on this rank with expectations of GoogleTest: each collective
// on keyed random data against what a sum over all ranks' data gives, bit for bit. All ranks of the
// group call these together.
void expect_all_reduce(Group& group);
void expect_broadcast(Group& group);
void expect_all_gather(Group& group);
void expect_reduce_scatter(Group& group);
void expect_all_to_all(Group& group);
void expect_exchange(Group& group);
void expect_exchanges_under_way_together(Group& group);
void expect_split(Group& group);
void expect_many_under_way(Group& group);

}  // namespace muybridge
