#include "train/plan/traffic.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace muybridge {
namespace {

double share_sent(int ranks) { return (ranks - 1.0) / ranks; }
double rounds(int ranks) { return ranks > 1 ? std::ceil(std::log2(ranks)) : 0; }

// Between ranks that differ by one along the axis.
int stride_of(Axis axis, const MeshSizes& sizes) {
  int stride = 1;
  for (const Axis before : sizes.order) {
    if (before == axis) break;
    stride *= sizes.along(before);
  }
  return stride;
}

// Axes that follow each other in the order make one walk; others the same again at each step.
GroupPlace place_along(const std::vector<Axis>& axes, const MeshSizes& sizes, int chips_per_node) {
  GroupPlace place;
  int walk = 1, stride = 1;
  const auto end_of_walk = [&] {
    const GroupPlace more = place_of_group(walk, stride, chips_per_node);
    place = {.size = place.size * more.size, .inside = place.inside * more.inside};
    walk = 1;
  };
  for (const Axis axis : sizes.order) {
    if (std::ranges::find(axes, axis) != axes.end()) {
      if (walk == 1) stride = stride_of(axis, sizes);
      walk *= sizes.along(axis);
    } else if (sizes.along(axis) > 1) {
      end_of_walk();
    }
  }
  end_of_walk();
  return place;
}

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
  const auto along = [&](const std::vector<Axis>& axes) { return place_along(axes, s, node); };
  tensor = along({Axis::kTensor});
  context = along({Axis::kContext});
  pipeline = along({Axis::kPipeline});
  replicas = along({Axis::kContext, Axis::kData});
  replicas_and_tensor = along({Axis::kTensor, Axis::kContext, Axis::kData});
  replicas_and_pipeline = along({Axis::kContext, Axis::kData, Axis::kPipeline});
  world = place_of_group(s.ranks(), 1, node);
  model = along({Axis::kTensor, Axis::kContext, Axis::kPipeline});
  const int stride = stride_of(Axis::kContext, s);
  heads = place_of_group(s.sharing(), stride, node);
  ring = place_of_group(s.ring, stride * s.sharing(), node);
}

const GroupPlace& GroupPlaces::copies(int number) const {
  switch (number) {
    case kReplicas:
      return replicas;
    case kOverTensor:
      return replicas_and_tensor;
    case kOverPipeline:
      return replicas_and_pipeline;
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
