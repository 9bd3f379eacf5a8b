#include "parallel/host/plan.h"

#include <algorithm>
#include <cstring>

#include "parallel/host/reduce.h"

namespace muybridge {
namespace {

// A run of elements.
struct Range {
  std::int64_t begin;
  std::int64_t count;
};

// Part q of `size` nearly equal parts.
Range part(Range whole, int q, int size) {
  const std::int64_t begin = whole.count * q / size;
  const std::int64_t end = whole.count * (q + 1) / size;
  return {whole.begin + begin, end - begin};
}

std::int64_t width(const Tensor& x) { return static_cast<std::int64_t>(size_of(x.dtype())); }

std::byte* at(const Tensor& x, std::int64_t element) {
  return static_cast<std::byte*>(x.raw()) + element * width(x);
}

void add(Round& round, bool outgoing, int peer, const Tensor& x, Range range) {
  if (range.count > 0)
    round.moves.push_back(
        {outgoing, peer, at(x, range.begin), 0, static_cast<std::size_t>(range.count * width(x))});
}

// In the memory that the plan borrows.
void add_borrowed(Round& round, bool outgoing, int peer, std::int64_t offset, std::int64_t bytes) {
  if (bytes > 0)
    round.moves.push_back({outgoing, peer, nullptr, static_cast<std::size_t>(offset),
                           static_cast<std::size_t>(bytes)});
}

// Calls body(peer) for all other ranks, starting after this one, so that not all ranks turn to the
// same peer first.
template <class Body>
void for_each_peer(int rank, int size, const Body& body) {
  for (int step = 1; step < size; ++step) body((rank + step) % size);
}

// Calls body(step, count) for the rounds in which every rank learns what all have, by doubling: in
// each a rank that knows the `step` ranks from itself on tells `count` of them to the rank `step`
// before it, and hears as many from the rank `step` after it.
template <class Body>
void for_each_doubling(int size, const Body& body) {
  for (int step = 1; step < size; step *= 2) body(step, std::min(step, size - step));
}

// Sources in the order of ranks: this rank's own elements, the others' from where they arrived,
// `stride` bytes apart.
std::vector<const std::byte*> in_rank_order(int rank, int size, const std::byte* own,
                                            const std::byte* arrived, std::int64_t stride) {
  std::vector<const std::byte*> sources;
  sources.reserve(static_cast<std::size_t>(size));
  for (int q = 0; q < size; ++q) sources.push_back(q == rank ? own : arrived + q * stride);
  return sources;
}

// What rank (rank + i) % size has lies in place i of the borrowed memory.
Plan all_reduce_by_doubling(int rank, int size, const Tensor& x, Reduce how) {
  const auto bytes = static_cast<std::int64_t>(x.bytes());
  Plan plan{.rounds = {}, .tensors = {x}, .borrowed = x.bytes() * static_cast<std::size_t>(size)};
  for_each_doubling(size, [&](int step, int count) {
    Round& round = plan.rounds.emplace_back();
    add_borrowed(round, false, (rank + step) % size, step * bytes, count * bytes);
    add_borrowed(round, true, (rank + size - step) % size, 0, count * bytes);
  });
  plan.rounds.front().before = [x](std::byte* borrowed) {
    std::memcpy(borrowed, x.raw(), x.bytes());
  };
  plan.rounds.back().then = [=](const std::byte* borrowed) {
    std::vector<const std::byte*> sources;
    sources.reserve(static_cast<std::size_t>(size));
    for (int q = 0; q < size; ++q) sources.push_back(borrowed + (q + size - rank) % size * bytes);
    reduce_in_order(sources, at(x, 0), x.numel(), x.dtype(), how);
  };
  return plan;
}

bool goes_by_doubling(int size, std::size_t bytes, const PlanLimits& limits) {
  const std::size_t heard = bytes * static_cast<std::size_t>(size - 1);
  return heard <= limits.gathered_bytes ||
         (bytes <= limits.tiny_bytes && heard <= limits.step_bytes);
}

// Parts [begin, begin + count) of `size`, counted from `root` on around the ring of ranks, as runs
// of elements: two where they pass the last rank.
std::vector<Range> parts_from(Range whole, int root, int begin, int count, int size) {
  const auto run = [&](int first, int parts) {
    const std::int64_t start = part(whole, first, size).begin;
    const Range last = part(whole, first + parts - 1, size);
    return Range{start, last.begin + last.count - start};
  };
  const int first = (root + begin) % size;
  const int before_end = std::min(count, size - first);
  std::vector<Range> runs{run(first, before_end)};
  if (before_end < count) runs.push_back(run(0, count - before_end));
  return runs;
}

// The largest power of two that is part of `place` in a binomial tree: how many places from
// `place` on hang from it. The root has them all.
int places_below(int place, int size) {
  int below = 1;
  while (below < size && place % (2 * below) == 0) below *= 2;
  return std::min(below, size - place);
}

// Deals the parts of x out along a binomial tree: rank (root + v) % size gets those of the places
// [v, v + places_below(v)) and passes the upper halves on. Rounds: hear, pass on.
void deal_out(Plan& plan, int rank, int size, const Tensor& x, int root, bool all_of_it) {
  const Range whole{0, x.numel()};
  const int place = (rank + size - root) % size;
  const auto add_parts = [&](Round& round, bool outgoing, int peer_place, int first, int count) {
    const std::vector<Range> runs =
        all_of_it ? std::vector<Range>{whole} : parts_from(whole, root, first, count, size);
    for (const Range& run : runs) add(round, outgoing, (root + peer_place) % size, x, run);
  };
  const int below = places_below(place, size);
  if (place > 0) {
    const int parent = place & (place - 1);
    add_parts(plan.rounds.emplace_back(), false, parent, place, below);
  }
  Round& pass_on = plan.rounds.emplace_back();
  int step = 1;
  while (2 * step < below) step *= 2;
  for (; step >= 1; step /= 2)
    if (step < below)
      add_parts(pass_on, true, place + step, place + step, places_below(place + step, size));
}

}  // namespace

Plan plan_all_reduce(int rank, int size, const Tensor& x, Reduce how, const PlanLimits& limits) {
  if (goes_by_doubling(size, x.bytes(), limits)) return all_reduce_by_doubling(rank, size, x, how);
  // Each step: a rank collects its part from all others, reduces it, and sends the result to all
  // while the next step's parts arrive.
  const std::int64_t step = std::min<std::int64_t>(
      x.numel(), std::max<std::int64_t>(
                     size, static_cast<std::int64_t>(limits.step_bytes / size_of(x.dtype()))));
  const std::int64_t stride = (step / size + 1) * width(x);  // bytes
  const std::int64_t steps = (x.numel() + step - 1) / step;
  Plan plan{.rounds = std::vector<Round>(static_cast<std::size_t>(steps) + 1),
            .tensors = {x},
            .borrowed = static_cast<std::size_t>(size * stride)};
  for (std::int64_t s = 0; s < steps; ++s) {
    const Range whole{s * step, std::min(step, x.numel() - s * step)};
    const Range own = part(whole, rank, size);
    Round& collect = plan.rounds[static_cast<std::size_t>(s)];
    Round& publish = plan.rounds[static_cast<std::size_t>(s) + 1];
    for_each_peer(rank, size, [&](int peer) {
      add_borrowed(collect, false, peer, peer * stride, own.count * width(x));
      add(collect, true, peer, x, part(whole, peer, size));
      add(publish, false, peer, x, part(whole, peer, size));
      add(publish, true, peer, x, own);
    });
    collect.then = [=](const std::byte* borrowed) {
      const auto sources = in_rank_order(rank, size, at(x, own.begin), borrowed, stride);
      reduce_in_order(sources, at(x, own.begin), own.count, x.dtype(), how);
    };
  }
  return plan;
}

Plan plan_reduce_scatter(int rank, int size, const Tensor& all, const Tensor& mine, Reduce how,
                         const PlanLimits& limits) {
  const std::int64_t n = mine.numel();
  const std::int64_t step = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(limits.step_bytes / size_of(all.dtype())) / size, 1, n);
  const std::int64_t stride = step * width(all);  // bytes
  Plan plan{
      .rounds = {}, .tensors = {all, mine}, .borrowed = static_cast<std::size_t>(size * stride)};
  for (std::int64_t begin = 0; begin < n; begin += step) {
    const std::int64_t count = std::min(step, n - begin);
    Round round;
    for_each_peer(rank, size, [&](int peer) {
      add_borrowed(round, false, peer, peer * stride, count * width(all));
      add(round, true, peer, all, {peer * n + begin, count});
    });
    round.then = [=](const std::byte* borrowed) {
      const auto sources = in_rank_order(rank, size, at(all, rank * n + begin), borrowed, stride);
      reduce_in_order(sources, at(mine, begin), count, all.dtype(), how);
    };
    plan.rounds.push_back(std::move(round));
  }
  return plan;
}

Plan plan_broadcast(int rank, int size, const Tensor& x, int root, const PlanLimits& limits) {
  Plan plan{.rounds = {}, .tensors = {x}};
  const bool along_a_tree = size <= 2 || x.bytes() <= limits.tree_bytes;
  deal_out(plan, rank, size, x, root, along_a_tree);
  if (along_a_tree) return plan;
  // The root has dealt parts out; now all gather them: it sends 2, not log2(size), times the
  // tensor.
  const Range whole{0, x.numel()};
  const int place = (rank + size - root) % size;
  for_each_doubling(size, [&](int step, int count) {
    Round& round = plan.rounds.emplace_back();
    // The root has all, and what a rank got beyond its own part comes again: it is the same.
    for (const Range& run : parts_from(whole, root, (place + step) % size, count, size))
      if (rank != root) add(round, false, (rank + step) % size, x, run);
    for (const Range& run : parts_from(whole, root, place, count, size))
      if ((rank + size - step) % size != root)
        add(round, true, (rank + size - step) % size, x, run);
  });
  return plan;
}

Plan plan_all_gather(int rank, int size, const Tensor& mine, const Tensor& all) {
  const std::int64_t n = mine.numel();
  Plan plan{.rounds = {}, .tensors = {mine, all}};
  for_each_doubling(size, [&](int step, int count) {
    Round& round = plan.rounds.emplace_back();
    const Range whole{0, all.numel()};
    for (const Range& run : parts_from(whole, rank, step, count, size))
      add(round, false, (rank + step) % size, all, run);
    for (const Range& run : parts_from(whole, rank, 0, count, size))
      add(round, true, (rank + size - step) % size, all, run);
  });
  plan.rounds.front().before = [=](std::byte*) {
    if (at(all, rank * n) != at(mine, 0)) std::memcpy(at(all, rank * n), at(mine, 0), mine.bytes());
  };
  return plan;
}

Plan plan_all_to_all(int rank, int size, const Tensor& from, const Tensor& to) {
  const std::int64_t n = from.numel() / size;
  Plan plan{.rounds = std::vector<Round>(1), .tensors = {from, to}};
  for_each_peer(rank, size, [&](int peer) {
    add(plan.rounds[0], false, peer, to, {peer * n, n});
    add(plan.rounds[0], true, peer, from, {peer * n, n});
  });
  plan.rounds[0].then = [=](std::byte*) {
    std::memcpy(at(to, rank * n), at(from, rank * n), static_cast<std::size_t>(n * width(from)));
  };
  return plan;
}

Plan plan_messages(bool outgoing, const std::vector<Parcel>& parcels) {
  Plan plan{.rounds = std::vector<Round>(1), .tensors = {}};
  for (const auto& [peer, tensor] : parcels) {
    add(plan.rounds[0], outgoing, peer, tensor, {0, tensor.numel()});
    plan.tensors.push_back(tensor);
  }
  return plan;
}

Plan plan_barrier(int rank, int size) {
  // After a round with `step` a rank has heard, by way of others, from the 2 * step ranks up to
  // itself.
  Plan plan{.rounds = {}, .tensors = {}, .borrowed = 2};
  for_each_doubling(size, [&](int step, int) {
    Round& round = plan.rounds.emplace_back();
    add_borrowed(round, false, (rank + size - step) % size, 0, 1);
    add_borrowed(round, true, (rank + step) % size, 1, 1);
  });
  plan.rounds.front().before = [](std::byte* borrowed) { borrowed[1] = std::byte{}; };
  return plan;
}

}  // namespace muybridge
