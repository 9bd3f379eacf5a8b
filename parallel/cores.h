#pragma once

#include <string>
#include <vector>

namespace muybridge {

// The cores this process may run on (its affinity mask), ascending.
std::vector<int> cores_of_process();

// How many cores' worth of time a container grants, from the text of cgroup's `cpu.max`
// ("200000 100000" is 2); 0 for no limit.
double cores_of_quota(const std::string& cpu_max);
double cores_granted();  // of the cgroup this process sees; 0 for no limit

// How many threads rank `self` shall compute with, when `cores[q]` are those of rank q, for all
// ranks of this machine: a core that k ranks may use counts 1/k. `granted` as above, for all of
// them together. At least 1.
int threads_for_rank(const std::vector<std::vector<int>>& cores, int self, double granted);

}  // namespace muybridge
