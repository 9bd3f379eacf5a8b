#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "parallel/group.h"

namespace muybridge {

// A collective as data: rounds of messages, and what to compute before and after each. A pure
// function of (rank, size, tensors) makes it; any transport can carry it, so the algorithms are
// proved with no network at all.

struct Move {
  bool outgoing;
  int peer;            // rank in the group
  std::byte* data;     // null: in the memory that the plan borrows while it runs
  std::size_t offset;  // bytes from there
  std::size_t bytes;   // never 0

  std::byte* place(std::byte* borrowed) const { return (data ? data : borrowed) + offset; }
};

// Over when its messages are, and when all that it waits for have come to the meeting.
struct Round {
  using Work = std::function<void(std::byte* borrowed)>;

  Work before;  // may be empty, as may `then`
  std::vector<Move> moves;
  std::vector<int> awaited;              // ranks in the group
  std::function<bool(std::size_t)> met;  // whether awaited[i] has come
  Work then;
};

struct Plan {
  std::vector<Round> rounds;
  std::vector<Tensor> tensors;  // what the rounds point into
  std::size_t borrowed = 0;     // bytes of memory it needs while it runs
};

struct PlanLimits {
  // An all_reduce for which a rank hears at most this much goes in log2(size) rounds: everything
  // to everybody, by doubling.
  std::size_t gathered_bytes = 64 << 10;
  // So does one of a tensor up to this size, which would else be a message to every rank.
  std::size_t tiny_bytes = 1 << 10;
  // A broadcast of at most this much sends all of it along a tree.
  std::size_t tree_bytes = 64 << 10;
  // Larger all_reduces go in steps of this much, which bounds the memory for what others send.
  std::size_t step_bytes = 4 << 20;
};

Plan plan_all_reduce(int rank, int size, const Tensor& x, Reduce how, const PlanLimits& = {});
Plan plan_reduce_scatter(int rank, int size, const Tensor& all, const Tensor& mine, Reduce how,
                         const PlanLimits& = {});
Plan plan_broadcast(int rank, int size, const Tensor& x, int root, const PlanLimits& = {});
Plan plan_all_gather(int rank, int size, const Tensor& mine, const Tensor& all);
Plan plan_all_to_all(int rank, int size, const Tensor& from, const Tensor& to);
Plan plan_messages(bool outgoing, const std::vector<Parcel>& parcels);
Plan plan_barrier(int rank, int size);

}  // namespace muybridge
