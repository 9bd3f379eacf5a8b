#pragma once

#include "parallel/mesh.h"
#include "train/plan/chip.h"

namespace muybridge {

// Time of messages, and what a rank sends for them.
struct Traffic {
  double seconds = 0;
  double link = 0;     // bytes, to ranks of its node
  double network = 0;  // bytes, to other nodes

  Traffic& operator+=(const Traffic& other);
  friend Traffic operator+(Traffic a, const Traffic& b) { return a += b; }
  friend Traffic operator*(double times, const Traffic& t) {
    return {times * t.seconds, times * t.link, times * t.network};
  }
};

// Ranks that talk, and how many of them share a node. Neighbouring ranks are on one node, so what
// lies first in the order of the axes stays inside (MeshSizes::order).
struct GroupPlace {
  int size = 1;
  int inside = 1;  // of a node; the others are as many on other nodes

  int nodes() const { return (size + inside - 1) / inside; }
};

// Of the ranks that lie `stride` apart. Where nodes do not hold whole groups, or an equal part of
// them, all of the group's messages are taken to leave the node.
GroupPlace place_of_group(int size, int stride, int chips_per_node);

// Groups of a mesh that spans the cluster.
struct GroupPlaces {
  GroupPlace tensor, context, pipeline;
  GroupPlace replicas;  // with the same parameters: data and context
  GroupPlace replicas_and_tensor, replicas_and_pipeline, world;
  GroupPlace model;        // all but data
  GroupPlace heads, ring;  // of context ranks: that share heads, and that pass keys round

  GroupPlaces(const MeshSizes& sizes, const Cluster& cluster);
  // By the number of Parameters::place.
  const GroupPlace& copies(int number) const;
};

// Costs of operations of a group, in the usual way of latency and bandwidth: inside nodes over
// links and between nodes over the network, one after the other, each rank with its own part.
class Links {
 public:
  explicit Links(const Cluster& cluster) : chip_(cluster.chip) {}

  // A tensor that is `bytes` when it is whole.
  Traffic all_gather(const GroupPlace& group, double bytes) const;
  Traffic reduce_scatter(const GroupPlace& group, double bytes) const {
    return all_gather(group, bytes);
  }
  Traffic all_reduce(const GroupPlace& group, double bytes) const {
    return 2 * all_gather(group, bytes);
  }
  // Each rank's `bytes` are dealt out over all.
  Traffic all_to_all(const GroupPlace& group, double bytes) const;
  // To the next rank of the group; the slowest of its pairs.
  Traffic message(const GroupPlace& group, double bytes) const;

 private:
  double link_seconds(double bytes) const { return bytes / (chip_.link * chip_.link_share); }
  double network_seconds(double bytes) const { return bytes / (chip_.network * chip_.link_share); }

  Chip chip_;
};

}  // namespace muybridge
