#include "parallel/host/plan_window.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "parallel/host/reduce.h"

namespace muybridge {
namespace {

// An all_reduce in which a rank reads at most this much is reduced in whole by everyone: one
// meeting instead of two.
constexpr std::size_t kWholeBytes = 32 << 10;

enum class What : std::uint8_t {
  kAllReduce,
  kReduceScatter,
  kBroadcast,
  kAllGather,
  kAllToAll,
  kBarrier
};

std::int64_t width(const Tensor& x) { return static_cast<std::int64_t>(size_of(x.dtype())); }

std::byte* at(const Tensor& x, std::int64_t element) {
  return static_cast<std::byte*>(x.raw()) + element * width(x);
}

void copy_bytes(std::byte* to, const std::byte* from, std::int64_t bytes) {
  if (bytes > 0 && to != from) std::memcpy(to, from, static_cast<std::size_t>(bytes));
}

// All that the ranks must agree on, in a number.
std::uint64_t code(What what, DType dtype, int detail) {
  return static_cast<std::uint64_t>(what) | static_cast<std::uint64_t>(dtype) << 8 |
         static_cast<std::uint64_t>(detail) << 16;
}

// A meeting: put(own slot), come, and when all have come take().
template <class Put, class Take>
void add_meeting(Plan& plan, const SharedWindow& window, Window::Ticket ticket, Put put,
                 Take take) {
  Round& round = plan.rounds.emplace_back();
  round.before = [window, ticket, put = std::move(put)](std::byte*) {
    window->open();
    put(window->own_slot());
    window->come(ticket);
  };
  round.awaited.reserve(static_cast<std::size_t>(window->size()));
  for (int q = 0; q < window->size(); ++q)
    if (q != window->rank()) round.awaited.push_back(q);
  round.met = [window = window.get()](std::size_t i) {
    const int place = static_cast<int>(i);
    return window->has_come(place < window->rank() ? place : place + 1);
  };
  round.then = [window, take = std::move(take)](std::byte*) {
    window->require_same_tickets();
    take();
  };
}

// Reduces over ranks, in their order, what lies `offset` bytes into their slots; this rank's own
// is at `own`.
void reduce_slots(const Window& window, std::int64_t offset, const std::byte* own, std::byte* out,
                  std::int64_t count, DType dtype, Reduce how) {
  std::vector<const std::byte*> sources(static_cast<std::size_t>(window.size()));
  for (int q = 0; q < window.size(); ++q)
    sources[static_cast<std::size_t>(q)] = q == window.rank() ? own : window.slot(q) + offset;
  reduce_in_order(sources, out, count, dtype, how);
}

// Calls body(begin, count) for runs of [0, n) of at most `most`.
template <class Body>
void for_each_run(std::int64_t n, std::int64_t most, const Body& body) {
  for (std::int64_t begin = 0; begin < n; begin += most) body(begin, std::min(most, n - begin));
}

// How many elements of each rank fit in a slot that holds some of all of them.
std::int64_t run_of_all(const Window& window, const Tensor& x) {
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(Window::kSlotBytes) / (width(x) * window.size()));
}

std::int64_t slot_elements(const Tensor& x) {
  return static_cast<std::int64_t>(Window::kSlotBytes) / width(x);
}

std::int64_t longest(const std::vector<Run>& parts) {
  std::int64_t most = 0;
  for (const Run& part : parts) most = std::max(most, part.count);
  return most;
}

// Of each part the elements [first, first + most), where it has them.
std::vector<Run> cut(const std::vector<Run>& parts, std::int64_t first, std::int64_t most) {
  std::vector<Run> runs;
  runs.reserve(parts.size());
  for (const Run& part : parts)
    runs.push_back({part.begin + first, std::clamp<std::int64_t>(part.count - first, 0, most)});
  return runs;
}

}  // namespace

Run Run::part(int q, int size) const {
  const std::int64_t first = count * q / size;
  return {begin + first, count * (q + 1) / size - first};
}

void add_scatter_reduce(Plan& plan, const SharedWindow& window, const Tensor& x,
                        const std::vector<Run>& parts, Reduce how) {
  const std::int64_t most = run_of_all(*window, x);
  const auto self = static_cast<std::size_t>(window->rank());
  for_each_run(longest(parts), most, [&](std::int64_t first, std::int64_t) {
    const std::vector<Run> now = cut(parts, first, most);
    add_meeting(
        plan, window, {code(What::kAllReduce, x.dtype(), static_cast<int>(how)), x.bytes()},
        [=](std::byte* slot) {
          for (std::size_t q = 0; q < now.size(); ++q)
            if (q != self)
              copy_bytes(slot + static_cast<std::int64_t>(q) * most * width(x), at(x, now[q].begin),
                         now[q].count * width(x));
        },
        [=, own = now[self], window = window.get()] {
          reduce_slots(*window, static_cast<std::int64_t>(self) * most * width(x), at(x, own.begin),
                       at(x, own.begin), own.count, x.dtype(), how);
        });
  });
}

void add_gather(Plan& plan, const SharedWindow& window, const Tensor& x,
                const std::vector<Run>& parts) {
  const std::int64_t most = slot_elements(x);
  const auto self = static_cast<std::size_t>(window->rank());
  for_each_run(longest(parts), most, [&](std::int64_t first, std::int64_t) {
    const std::vector<Run> now = cut(parts, first, most);
    add_meeting(
        plan, window, {code(What::kAllGather, x.dtype(), 0), x.bytes()},
        [=, own = now[self]](std::byte* slot) {
          copy_bytes(slot, at(x, own.begin), own.count * width(x));
        },
        [=, window = window.get()] {
          for (std::size_t q = 0; q < now.size(); ++q)
            if (q != self)
              copy_bytes(at(x, now[q].begin), window->slot(static_cast<int>(q)),
                         now[q].count * width(x));
        });
  });
}

Plan plan_all_reduce(const SharedWindow& window, const Tensor& x, Reduce how) {
  Plan plan{.rounds = {}, .tensors = {x}};
  if (x.bytes() * static_cast<std::size_t>(window->size() - 1) <= kWholeBytes) {
    add_meeting(
        plan, window, {code(What::kAllReduce, x.dtype(), static_cast<int>(how)), x.bytes()},
        [x = x.raw(), bytes = x.bytes()](std::byte* slot) { std::memcpy(slot, x, bytes); },
        [x = at(x, 0), n = x.numel(), dtype = x.dtype(), how, window = window.get()] {
          reduce_slots(*window, 0, x, x, n, dtype, how);
        });
    return plan;
  }
  // A piece at a time, so that it stays in the caches from one meeting to the next.
  const int size = window->size();
  for_each_run(x.numel(), run_of_all(*window, x) * size,
               [&](std::int64_t begin, std::int64_t count) {
                 std::vector<Run> parts;
                 parts.reserve(static_cast<std::size_t>(size));
                 for (int q = 0; q < size; ++q) parts.push_back(Run{begin, count}.part(q, size));
                 add_scatter_reduce(plan, window, x, parts, how);
                 add_gather(plan, window, x, parts);
               });
  return plan;
}

Plan plan_reduce_scatter(const SharedWindow& window, const Tensor& all, const Tensor& mine,
                         Reduce how) {
  Plan plan{.rounds = {}, .tensors = {all, mine}};
  const std::int64_t n = mine.numel();
  const int own = window->rank();
  const std::int64_t most = run_of_all(*window, all);
  for_each_run(n, most, [&](std::int64_t begin, std::int64_t count) {
    const std::int64_t bytes = count * width(all);
    add_meeting(
        plan, window, {code(What::kReduceScatter, all.dtype(), static_cast<int>(how)), all.bytes()},
        [=, size = window->size()](std::byte* slot) {
          for (int q = 0; q < size; ++q)
            if (q != own) copy_bytes(slot + q * bytes, at(all, q * n + begin), bytes);
        },
        [=, window = window.get()] {
          reduce_slots(*window, own * bytes, at(all, own * n + begin), at(mine, begin), count,
                       all.dtype(), how);
        });
  });
  return plan;
}

Plan plan_broadcast(const SharedWindow& window, const Tensor& x, int root) {
  Plan plan{.rounds = {}, .tensors = {x}};
  const bool gives = window->rank() == root;
  for_each_run(x.numel(), slot_elements(x), [&](std::int64_t begin, std::int64_t count) {
    const std::int64_t bytes = count * width(x);
    add_meeting(
        plan, window, {code(What::kBroadcast, x.dtype(), root), x.bytes()},
        [=](std::byte* slot) {
          if (gives) copy_bytes(slot, at(x, begin), bytes);
        },
        [=, window = window.get()] {
          if (!gives) copy_bytes(at(x, begin), window->slot(root), bytes);
        });
  });
  return plan;
}

Plan plan_all_gather(const SharedWindow& window, const Tensor& mine, const Tensor& all) {
  Plan plan{.rounds = {}, .tensors = {mine, all}};
  const std::int64_t n = mine.numel();
  plan.rounds.push_back({.before = [=, own = window->rank() * n](std::byte*) {
    copy_bytes(at(all, own), at(mine, 0), n * width(all));
  }});
  std::vector<Run> parts;
  parts.reserve(static_cast<std::size_t>(window->size()));
  for (int q = 0; q < window->size(); ++q) parts.push_back({q * n, n});
  add_gather(plan, window, all, parts);
  return plan;
}

Plan plan_all_to_all(const SharedWindow& window, const Tensor& from, const Tensor& to) {
  Plan plan{.rounds = {}, .tensors = {from, to}};
  const int own = window->rank();
  const std::int64_t n = from.numel() / window->size();
  for_each_run(n, run_of_all(*window, from), [&](std::int64_t begin, std::int64_t count) {
    const std::int64_t bytes = count * width(from);
    add_meeting(
        plan, window, {code(What::kAllToAll, from.dtype(), 0), from.bytes()},
        [=, size = window->size()](std::byte* slot) {
          for (int q = 0; q < size; ++q)
            if (q != own) copy_bytes(slot + q * bytes, at(from, q * n + begin), bytes);
        },
        [=, window = window.get()] {
          for (int q = 0; q < window->size(); ++q)
            copy_bytes(at(to, q * n + begin),
                       q == own ? at(from, own * n + begin) : window->slot(q) + own * bytes, bytes);
        });
  });
  return plan;
}

Plan plan_barrier(const SharedWindow& window) {
  Plan plan;
  add_meeting(
      plan, window, {code(What::kBarrier, DType::kU8, 0), 0}, [](std::byte*) {}, [] {});
  return plan;
}

}  // namespace muybridge
