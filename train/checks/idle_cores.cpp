#include "train/checks/idle_cores.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "parallel/cores.h"

namespace muybridge {

int cores_to_share() {
  cpu_set_t own, launcher, all;
  CPU_ZERO(&own);
  CPU_ZERO(&launcher);
  if (::sched_getaffinity(0, sizeof own, &own) != 0) return 1;
  if (::sched_getaffinity(::getppid(), sizeof launcher, &launcher) != 0) launcher = own;
  CPU_OR(&all, &own, &launcher);
  const int cores = std::max(1, CPU_COUNT(&all));
  const double granted = cores_granted();
  return granted > 0 ? std::clamp(static_cast<int>(granted), 1, cores) : cores;
}

std::string idle_cores_advice(int ranks, int threads, int cores) {
  const int each = cores / ranks;  // what a rank could have
  if (each <= threads) return "";
  const char* const plural = threads == 1 ? "" : "s";
  return fmt::format(
      "{} rank{} of {} thread{} {} {} of this machine's {} cores idle. Start it as 'mpirun "
      "--map-by slot:PE={} --bind-to core ...', or with '--bind-to none', to use them all",
      ranks, ranks == 1 ? "" : "s", threads, plural, ranks == 1 ? "leaves" : "leave",
      cores - ranks * threads, cores, each);
}

}  // namespace muybridge
