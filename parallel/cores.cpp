#include "parallel/cores.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "core/error.h"

namespace muybridge {
namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

std::vector<int> cores_of_process() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return {0};  // more than 1024 cores
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &mask)) cores.push_back(core);
  return cores;
}

double cores_of_quota(const std::string& cpu_max) {
  std::istringstream words(cpu_max);
  double quota = 0;
  double period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return 0;  // "max 100000"
  return quota / period;
}

double cores_granted() {
  const std::string unified = first_line("/sys/fs/cgroup/cpu.max");
  if (!unified.empty()) return cores_of_quota(unified);
  return cores_of_quota(first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + " " +
                        first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
}

int threads_for_rank(const std::vector<std::vector<int>>& cores, int self, double granted) {
  std::map<int, int> users;
  for (const std::vector<int>& of_rank : cores)
    for (const int core : of_rank) ++users[core];
  double share = 0;
  for (const int core : cores[static_cast<std::size_t>(self)]) share += 1.0 / users[core];
  if (granted > 0) share = std::min(share, granted / static_cast<double>(cores.size()));
  constexpr double kRounding = 1e-6;
  return std::max(1, static_cast<int>(share + kRounding));
}

}  // namespace muybridge
