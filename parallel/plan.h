#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "parallel/group.h"

namespace muybridge {

// A collective as data: rounds of messages, and what to compute when a round's messages are over.
// A pure function of (rank, size, tensors) makes it; any transport can carry it, so the algorithms
// are proved with no network at all.

struct Move {
  bool outgoing;
  int peer;  // rank in the group
  std::byte* data;
  std::size_t bytes;  // never 0
};

struct Round {
  std::vector<Move> moves;
  std::function<void()> then;  // may be empty
};

struct Plan {
  std::vector<Round> rounds;
  std::vector<Tensor> tensors;  // what the rounds point into
};

struct PlanLimits {
  // An all_reduce that sends at most this much in all goes in one round: everything to everybody.
  std::size_t one_round_bytes = 64 << 10;
  // Larger ones go in steps of this much, which bounds the memory for what others send.
  std::size_t step_bytes = 4 << 20;
};

Plan plan_all_reduce(int rank, int size, const Tensor& x, Reduce how, const PlanLimits& = {});
Plan plan_reduce_scatter(int rank, int size, const Tensor& all, const Tensor& mine, Reduce how,
                         const PlanLimits& = {});
Plan plan_broadcast(int rank, int size, const Tensor& x, int root, const PlanLimits& = {});
Plan plan_all_gather(int rank, int size, const Tensor& mine, const Tensor& all);
Plan plan_all_to_all(int rank, int size, const Tensor& from, const Tensor& to);
Plan plan_exchange(const std::vector<Parcel>& sends, const std::vector<Parcel>& receives);
Plan plan_barrier(int rank, int size);

}  // namespace muybridge
