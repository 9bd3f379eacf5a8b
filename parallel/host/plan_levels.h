#pragma once

#include <vector>

#include "parallel/host/plan_window.h"

namespace muybridge {

// How a group lies on several machines with the same number of its ranks on each, seen from one
// rank. Inside a machine ranks meet in the window, across machines those of the same place in it
// send messages: less travels between machines, and to fewer peers, than if all ranks were alike.
struct Levels {
  SharedWindow window;      // of this machine's ranks, in the order of ranks
  std::vector<int> local;   // rank in the group, by place in the window
  int machine = 0;          // this rank's place in `across`
  std::vector<int> across;  // ranks of the group with this rank's place in the window, by machine
  std::vector<int> all;     // rank in the group, by machine and then place: machines x local.size()
};

// Sums inside each machine in the order of ranks, then over machines in the order of their first
// ranks. Not for bf16, whose sums are to be rounded once.
Plan plan_all_reduce(const Levels& levels, const Tensor& x, Reduce how, const PlanLimits& = {});
Plan plan_all_gather(const Levels& levels, const Tensor& mine, const Tensor& all);

}  // namespace muybridge
