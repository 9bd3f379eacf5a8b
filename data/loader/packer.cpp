#include "data/loader/packer.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "core/error.h"
#include "data/loader/epoch_order.h"

namespace muybridge {
namespace {

// How much there is to choose from, in micro-batches: some more steps, and enough for small ones.
std::int64_t window_of(int micro_batches) { return std::max(2 * micro_batches, 16); }

}  // namespace

Packer::Packer(std::vector<std::int64_t> tokens, const PackerOptions& options)
    : tokens_(std::move(tokens)), options_(options) {
  if (options_.token_budget <= 0 || options_.micro_batches <= 0)
    fail(ExitCode::kUsage, "packer: {} micro-batches of {} tokens; both must be positive",
         options_.micro_batches, options_.token_budget);
  if (tokens_.empty()) fail(ExitCode::kUsage, "packer: there are no clips to train on");
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    if (tokens_[i] <= 0 || tokens_[i] > options_.token_budget)
      fail(ExitCode::kUsage, "packer: clip {} has {} tokens, the budget is {}", i, tokens_[i],
           options_.token_budget);
}

std::int64_t Packer::item_of(std::int64_t sample) const {
  const auto count = static_cast<std::int64_t>(tokens_.size());
  return shuffled(options_.seed, static_cast<std::uint64_t>(sample / count), sample % count, count);
}

std::vector<Draw> Packer::candidates() {
  std::vector<Draw> draws;
  std::int64_t waiting = 0;
  const auto draw = [&](std::int64_t sample) {
    draws.push_back({sample, item_of(sample)});
    waiting += tokens_[static_cast<std::size_t>(draws.back().item)];
  };
  for (const std::int64_t sample : position_.pending) draw(sample);
  while (waiting < window_of(options_.micro_batches) * options_.token_budget)
    draw(position_.next_sample++);

  // Had samples gone in plain order, none before this one would be left.
  const std::int64_t overdue = position_.next_sample - std::ssize(draws);
  std::ranges::sort(draws, {}, [&](const Draw& d) {
    return std::tuple(d.sample >= overdue, -tokens_[static_cast<std::size_t>(d.item)], d.sample);
  });
  return draws;
}

// Largest first, each into the cheapest micro-batch that has room: full, and alike in cost.
std::vector<MicroBatch> Packer::next_step() {
  std::vector<MicroBatch> step(static_cast<std::size_t>(options_.micro_batches));
  std::vector<std::int64_t> left_over;
  for (const Draw& draw : candidates()) {
    const std::int64_t tokens = tokens_[static_cast<std::size_t>(draw.item)];
    MicroBatch* best = nullptr;
    for (MicroBatch& batch : step)
      if (batch.tokens + tokens <= options_.token_budget && (!best || batch.cost < best->cost))
        best = &batch;
    if (!best) {
      left_over.push_back(draw.sample);
      continue;
    }
    best->draws.push_back(draw);
    best->tokens += tokens;
    best->cost += options_.cost(tokens);
  }
  for (MicroBatch& batch : step) std::ranges::sort(batch.draws, {}, &Draw::sample);
  std::ranges::sort(left_over);
  position_.pending = std::move(left_over);
  return step;
}

void Packer::restore(const PackerPosition& position) {
  check_position(position);
  position_ = position;
}

void check_position(const PackerPosition& position) {
  if (position.next_sample < 0)
    fail(ExitCode::kCorrupt, "packer: the next sample cannot be {}", position.next_sample);
  std::int64_t after = -1;
  for (const std::int64_t sample : position.pending) {
    if (sample <= after || sample >= position.next_sample)
      fail(ExitCode::kCorrupt, "packer: pending sample {} cannot follow {} before {}", sample,
           after, position.next_sample);
    after = sample;
  }
}

std::vector<std::vector<int>> assign_to_ranks(const std::vector<MicroBatch>& step, int ranks) {
  const int count = static_cast<int>(step.size());
  if (ranks <= 0) fail(ExitCode::kInternal, "packer: {} ranks cannot share a step", ranks);
  std::vector<int> order(step.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater{},
                           [&](int i) { return step[static_cast<std::size_t>(i)].cost; });
  const auto quota = static_cast<std::size_t>((count + ranks - 1) / ranks);
  std::vector<std::vector<int>> shares(static_cast<std::size_t>(ranks));
  std::vector<double> costs(shares.size());
  for (const int batch : order) {
    std::size_t best = shares.size();
    for (std::size_t rank = 0; rank < shares.size(); ++rank)
      if (shares[rank].size() < quota && (best == shares.size() || costs[rank] < costs[best]))
        best = rank;
    shares[best].push_back(batch);
    costs[best] += step[static_cast<std::size_t>(batch)].cost;
  }
  return shares;
}

}  // namespace muybridge
