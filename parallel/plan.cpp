#include "parallel/plan.h"

#include <algorithm>
#include <cstring>

#include "parallel/reduce.h"

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

std::byte* at(const Tensor& x, std::int64_t element) {
  return static_cast<std::byte*>(x.raw()) + element * static_cast<std::int64_t>(size_of(x.dtype()));
}

void add(Round& round, bool outgoing, int peer, const Tensor& x, Range range) {
  if (range.count > 0)
    round.moves.push_back({outgoing, peer, at(x, range.begin),
                           static_cast<std::size_t>(range.count) * size_of(x.dtype())});
}

// Calls body(peer) for all other ranks, starting after this one, so that not all ranks turn to the
// same peer first.
template <class Body>
void for_each_peer(int rank, int size, const Body& body) {
  for (int step = 1; step < size; ++step) body((rank + step) % size);
}

// Sources in the order of ranks: this rank's own elements, the others' from where they arrived,
// `stride` elements apart.
std::vector<const std::byte*> in_rank_order(int rank, int size, const std::byte* own,
                                            const Tensor& arrived, std::int64_t stride) {
  std::vector<const std::byte*> sources;
  sources.reserve(static_cast<std::size_t>(size));
  for (int q = 0; q < size; ++q) sources.push_back(q == rank ? own : at(arrived, q * stride));
  return sources;
}

Plan all_reduce_in_one_round(int rank, int size, const Tensor& x, Reduce how) {
  const std::int64_t n = x.numel();
  const Tensor arrived = Tensor::empty({size, n}, x.dtype());
  Round round;
  for_each_peer(rank, size, [&](int peer) {
    add(round, false, peer, arrived, {peer * n, n});
    add(round, true, peer, x, {0, n});
  });
  round.then = [=] {
    const auto sources = in_rank_order(rank, size, at(x, 0), arrived, n);
    reduce_in_order(sources, at(x, 0), n, x.dtype(), how);
  };
  return {.rounds = {std::move(round)}, .tensors = {x, arrived}};
}

}  // namespace

Plan plan_all_reduce(int rank, int size, const Tensor& x, Reduce how, const PlanLimits& limits) {
  if (x.bytes() * static_cast<std::size_t>(size - 1) <= limits.one_round_bytes)
    return all_reduce_in_one_round(rank, size, x, how);
  // Each step: a rank collects its part from all others, reduces it, and sends the result to all
  // while the next step's parts arrive.
  const std::int64_t step = std::min<std::int64_t>(
      x.numel(), std::max<std::int64_t>(
                     size, static_cast<std::int64_t>(limits.step_bytes / size_of(x.dtype()))));
  const std::int64_t stride = step / size + 1;
  const std::int64_t steps = (x.numel() + step - 1) / step;
  const Tensor arrived = Tensor::empty({size, stride}, x.dtype());
  Plan plan{.rounds = std::vector<Round>(static_cast<std::size_t>(steps) + 1),
            .tensors = {x, arrived}};
  for (std::int64_t s = 0; s < steps; ++s) {
    const Range whole{s * step, std::min(step, x.numel() - s * step)};
    const Range own = part(whole, rank, size);
    Round& collect = plan.rounds[static_cast<std::size_t>(s)];
    Round& publish = plan.rounds[static_cast<std::size_t>(s) + 1];
    for_each_peer(rank, size, [&](int peer) {
      add(collect, false, peer, arrived, {peer * stride, own.count});
      add(collect, true, peer, x, part(whole, peer, size));
      add(publish, false, peer, x, part(whole, peer, size));
      add(publish, true, peer, x, own);
    });
    collect.then = [=] {
      const auto sources = in_rank_order(rank, size, at(x, own.begin), arrived, stride);
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
  const Tensor arrived = Tensor::empty({size, step}, all.dtype());
  Plan plan{.rounds = {}, .tensors = {all, mine, arrived}};
  for (std::int64_t begin = 0; begin < n; begin += step) {
    const std::int64_t count = std::min(step, n - begin);
    Round round;
    for_each_peer(rank, size, [&](int peer) {
      add(round, false, peer, arrived, {peer * step, count});
      add(round, true, peer, all, {peer * n + begin, count});
    });
    round.then = [=] {
      const auto sources = in_rank_order(rank, size, at(all, rank * n + begin), arrived, step);
      reduce_in_order(sources, at(mine, begin), count, all.dtype(), how);
    };
    plan.rounds.push_back(std::move(round));
  }
  return plan;
}

Plan plan_broadcast(int rank, int size, const Tensor& x, int root, const PlanLimits& limits) {
  const Range whole{0, x.numel()};
  Plan plan{.rounds = std::vector<Round>(1), .tensors = {x}};
  if (size <= 2 || x.bytes() <= limits.one_round_bytes) {
    if (rank == root)
      for_each_peer(rank, size, [&](int peer) { add(plan.rounds[0], true, peer, x, whole); });
    else
      add(plan.rounds[0], false, root, x, whole);
    return plan;
  }
  // The root deals parts out, then every rank passes its part on: the root sends 2, not size - 1,
  // times the tensor.
  plan.rounds.resize(2);
  const Range own = part(whole, rank, size);
  if (rank != root) add(plan.rounds[0], false, root, x, own);
  for_each_peer(rank, size, [&](int peer) {
    if (rank == root) add(plan.rounds[0], true, peer, x, part(whole, peer, size));
    if (peer != root) add(plan.rounds[1], true, peer, x, own);
    if (rank != root) add(plan.rounds[1], false, peer, x, part(whole, peer, size));
  });
  return plan;
}

Plan plan_all_gather(int rank, int size, const Tensor& mine, const Tensor& all) {
  const std::int64_t n = mine.numel();
  Plan plan{.rounds = std::vector<Round>(1), .tensors = {mine, all}};
  for_each_peer(rank, size, [&](int peer) {
    add(plan.rounds[0], false, peer, all, {peer * n, n});
    add(plan.rounds[0], true, peer, mine, {0, n});
  });
  plan.rounds[0].then = [=] {
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
  plan.rounds[0].then = [=] {
    std::memcpy(at(to, rank * n), at(from, rank * n),
                static_cast<std::size_t>(n) * size_of(from.dtype()));
  };
  return plan;
}

Plan plan_exchange(const std::vector<Parcel>& sends, const std::vector<Parcel>& receives) {
  Plan plan{.rounds = std::vector<Round>(1), .tensors = {}};
  const auto add_all = [&](bool outgoing, const std::vector<Parcel>& parcels) {
    for (const auto& [peer, tensor] : parcels) {
      add(plan.rounds[0], outgoing, peer, tensor, {0, tensor.numel()});
      plan.tensors.push_back(tensor);
    }
  };
  add_all(false, receives);
  add_all(true, sends);
  return plan;
}

Plan plan_barrier(int rank, int size) {
  return plan_all_gather(rank, size, Tensor::zeros({1}, DType::kU8),
                         Tensor::empty({size}, DType::kU8));
}

}  // namespace muybridge
