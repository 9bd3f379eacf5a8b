#include "parallel/host/plan_levels.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace muybridge {
namespace {

// Adds the rounds of a plan for some ranks of the group, whose numbers in the group are `ranks`.
void append(Plan& plan, Plan part, const std::vector<int>& ranks) {
  const auto in_group = [&](int rank) { return ranks[static_cast<std::size_t>(rank)]; };
  for (Round& round : part.rounds) {
    for (Move& move : round.moves) move.peer = in_group(move.peer);
    for (int& rank : round.awaited) rank = in_group(rank);
  }
  std::move(part.rounds.begin(), part.rounds.end(), std::back_inserter(plan.rounds));
  std::move(part.tensors.begin(), part.tensors.end(), std::back_inserter(plan.tensors));
  plan.borrowed = std::max(plan.borrowed, part.borrowed);
}

}  // namespace

Plan plan_all_reduce(const Levels& levels, const Tensor& x, Reduce how, const PlanLimits& limits) {
  Plan plan{.rounds = {}, .tensors = {x}};
  const int size = levels.window->size();
  const auto machines = static_cast<int>(levels.across.size());
  const std::int64_t step =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(limits.step_bytes / size_of(x.dtype())));
  for (std::int64_t begin = 0; begin < x.numel(); begin += step) {
    const Run whole{begin, std::min(step, x.numel() - begin)};
    std::vector<Run> parts;
    parts.reserve(static_cast<std::size_t>(size));
    for (int q = 0; q < size; ++q) parts.push_back(whole.part(q, size));
    const Run own = parts[static_cast<std::size_t>(levels.window->rank())];
    Plan inside;
    add_scatter_reduce(inside, levels.window, x, parts, how);
    append(plan, std::move(inside), levels.local);
    if (own.count > 0)
      append(plan,
             plan_all_reduce(levels.machine, machines, x.flat_view(own.begin, {own.count}), how,
                             limits),
             levels.across);
    Plan outwards;
    add_gather(outwards, levels.window, x, parts);
    append(plan, std::move(outwards), levels.local);
  }
  return plan;
}

Plan plan_all_gather(const Levels& levels, const Tensor& mine, const Tensor& all) {
  Plan plan{.rounds = {}, .tensors = {mine, all}};
  const std::int64_t n = mine.numel();
  const auto block = [&](int rank) {
    return static_cast<std::byte*>(all.raw()) + static_cast<std::size_t>(rank) * mine.bytes();
  };
  // First from the same place of the other machines, then all that a machine's ranks have heard.
  Round& across = plan.rounds.emplace_back();
  const auto machines = levels.across.size();
  for (std::size_t step = 1; step < machines; ++step) {
    const int peer = levels.across[(static_cast<std::size_t>(levels.machine) + step) % machines];
    across.moves.push_back({false, peer, block(peer), 0, mine.bytes()});
    across.moves.push_back({true, peer, static_cast<std::byte*>(mine.raw()), 0, mine.bytes()});
  }
  across.then = [mine,
                 own = block(levels.across[static_cast<std::size_t>(levels.machine)])](std::byte*) {
    if (own != mine.raw()) std::memcpy(own, mine.raw(), mine.bytes());
  };
  const std::size_t width = levels.local.size();
  for (std::size_t machine = 0; machine < machines; ++machine) {
    std::vector<Run> parts;
    parts.reserve(width);
    for (std::size_t place = 0; place < width; ++place)
      parts.push_back({levels.all[machine * width + place] * n, n});
    Plan inside;
    add_gather(inside, levels.window, all, parts);
    append(plan, std::move(inside), levels.local);
  }
  return plan;
}

}  // namespace muybridge
