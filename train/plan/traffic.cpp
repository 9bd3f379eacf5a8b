#include "train/plan/traffic.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace muybridge {
namespace {

double share_sent(int ranks) { return (ranks - 1.0) / ranks; }
double rounds(int ranks) { return ranks > 1 ? std::ceil(std::log2(ranks)) : 0; }

}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
  seconds += other.seconds;
  link += other.link;
  network += other.network;
  return *this;
}

GroupPlace place_of_group(int size, int stride, int chips_per_node) {
  if (size == 1) return {};
  const int fit = stride < chips_per_node ? chips_per_node / stride : 1;
  if (fit == 1) return {.size = size, .inside = 1};
  const bool even = chips_per_node % stride == 0 && (size <= fit ? fit % size : size % fit) == 0;
  return {.size = size, .inside = even ? std::min(size, fit) : 1};
}

GroupPlaces::GroupPlaces(const MeshSizes& s, const Cluster& cluster) {
  const int node = cluster.chips_per_node;
  const int tokens = s.tensor * s.context;
  tensor = place_of_group(s.tensor, 1, node);
  context = place_of_group(s.context, s.tensor, node);
  pipeline = place_of_group(s.pipeline, tokens * s.data, node);
  replicas = place_of_group(s.context * s.data, s.tensor, node);
  replicas_and_tensor = place_of_group(tokens * s.data, 1, node);
  world = place_of_group(s.ranks(), 1, node);
  // Of one replica: neighbours, and the same again on each stage.
  const GroupPlace near = place_of_group(tokens, 1, node);
  model = {.size = tokens * s.pipeline, .inside = near.inside * pipeline.inside};
}

const GroupPlace& GroupPlaces::copies(int number) const {
  switch (number) {
    case kReplicas:
      return replicas;
    case kOverTensor:
      return replicas_and_tensor;
    default:
      return world;
  }
}

Traffic Links::all_gather(const GroupPlace& group, double bytes) const {
  if (group.size == 1) return {};
  const int nodes = group.nodes();
  // Between nodes each rank moves its part, which the ranks of a node then put together.
  const double inside = share_sent(group.inside) * bytes;
  const double across = share_sent(nodes) * bytes / group.inside;
  return {.seconds = link_seconds(inside) + network_seconds(across) +
                     rounds(group.inside) * chip_.link_latency +
                     rounds(nodes) * chip_.network_latency,
          .link = inside,
          .network = across};
}

Traffic Links::all_to_all(const GroupPlace& group, double bytes) const {
  if (group.size == 1) return {};
  const double inside = bytes * (group.inside - 1) / group.size;
  const double across = bytes * (group.size - group.inside) / group.size;
  return {.seconds = std::max(link_seconds(inside), network_seconds(across)) +
                     (across > 0 ? chip_.network_latency : chip_.link_latency),
          .link = inside,
          .network = across};
}

Traffic Links::message(const GroupPlace& group, double bytes) const {
  if (group.size == 1) return {};
  if (group.nodes() > 1)
    return {.seconds = network_seconds(bytes) + chip_.network_latency, .network = bytes};
  return {.seconds = link_seconds(bytes) + chip_.link_latency, .link = bytes};
}

}  // namespace muybridge
