#include "train/checks/machines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace muybridge {
namespace {

double number_from_environment(const char* name, double otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atof(text) : otherwise;
}

int most_ranks_of_a_machine(const std::vector<std::string>& hosts) {
  std::map<std::string, int> ranks;
  for (const std::string& host : hosts) ++ranks[host];
  return std::ranges::max_element(ranks, {}, [](const auto& entry) { return entry.second; })
      ->second;
}

}  // namespace

std::string scattered_ranks(const MeshSizes& sizes, const std::vector<std::string>& hosts) {
  const std::vector<Axis> axes = {Axis::kTensor, Axis::kContext};
  const int share = sizes.tensor * sizes.context;
  if (share == 1) return "";
  for (int rank = 0; rank < sizes.ranks(); ++rank)
    for (const int other : ranks_along(axes, rank, sizes)) {
      const std::string& here = hosts[static_cast<std::size_t>(rank)];
      const std::string& there = hosts[static_cast<std::size_t>(other)];
      if (here == there) continue;
      const int room = most_ranks_of_a_machine(hosts);
      return fmt::format(
          "parallel: ranks {} on {} and {} on {} share each layer or clip, so every layer waits "
          "for "
          "the network. {}",
          rank, here, other, there,
          room >= share
              ? "Let the ranks of a machine follow each other: mpirun --map-by slot, not --map-by "
                "node, and slots in the list of hosts that parallel.tensor x parallel.context "
                "divides"
              : fmt::format("A machine has {} rank{} and {} share one: lower parallel.tensor or "
                            "parallel.context, or start more ranks on each",
                            room, room == 1 ? "" : "s", share));
    }
  return "";
}

double launcher_patience() {
  // Otherwise what Open MPI 4.1 has of itself.
  return number_from_environment("OMPI_MCA_oob_tcp_keepalive_time", 300) +
         number_from_environment("OMPI_MCA_oob_tcp_keepalive_intvl", 20) *
             number_from_environment("OMPI_MCA_oob_tcp_keepalive_probes", 9);
}

std::string slow_launcher(int machines, double launcher_seconds, double liveness_seconds) {
  if (machines < 2 || launcher_seconds < liveness_seconds) return "";
  return fmt::format(
      "mpirun notices a machine that is gone after {:g} s, the ranks after {:g} "
      "(train.liveness_seconds), and mpirun may then wait for it for a quarter of an hour. Start "
      "the "
      "ranks with launch/mpirun.sh, which has it notice after 6 s, and leave "
      "train.liveness_seconds "
      "above that",
      launcher_seconds, liveness_seconds);
}

}  // namespace muybridge
