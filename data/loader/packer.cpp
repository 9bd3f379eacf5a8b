#include "data/loader/packer.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "data/loader/epoch_order.h"

namespace muybridge {
namespace {

// How many micro-batches there are to choose from.
int choice_of(int micro_batches) { return std::max(4 * micro_batches, 16); }

// Over how many times the samples there are to choose from one may be passed over.
constexpr std::int64_t kPatience = 4;

// `count` of them such that the dearest is least above their mean. They have the first of all among
// them, unless others are clearly more alike and it can wait.
std::vector<MicroBatch> most_alike(std::vector<MicroBatch> all, int count, bool first_can_wait) {
  constexpr double kClearly = 0.99;
  const double first = all.front().cost;
  std::ranges::stable_sort(all, {}, &MicroBatch::cost);
  const auto place = static_cast<std::size_t>(
      std::ranges::lower_bound(all, first, {}, &MicroBatch::cost) - all.begin());
  std::vector<double> sums{0};
  for (const MicroBatch& batch : all) sums.push_back(sums.back() + batch.cost);
  const auto length = static_cast<std::size_t>(count);
  struct Choice {
    std::size_t begin = 0;
    double ratio = std::numeric_limits<double>::infinity();  // of the dearest to all of them
  };
  Choice with_first, any;
  for (std::size_t begin = 0; begin + length <= all.size(); ++begin) {
    const Choice choice{begin, all[begin + length - 1].cost / (sums[begin + length] - sums[begin])};
    if (choice.ratio < any.ratio) any = choice;
    if (begin <= place && place < begin + length && choice.ratio < with_first.ratio)
      with_first = choice;
  }
  const bool overtaken = first_can_wait && any.ratio < kClearly * with_first.ratio;
  const auto begin =
      all.begin() + static_cast<std::ptrdiff_t>(overtaken ? any.begin : with_first.begin);
  return {begin, begin + count};
}

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
  while (waiting < choice_of(options_.micro_batches) * options_.token_budget)
    draw(position_.next_sample++);
  std::ranges::sort(draws.begin() + 1, draws.end(), {}, [&](const Draw& d) {
    return std::pair(-tokens_[static_cast<std::size_t>(d.item)], d.sample);
  });
  return draws;
}

// Largest first, each into the cheapest micro-batch that has room: full, and alike in cost.
std::vector<MicroBatch> Packer::pack(const std::vector<Draw>& draws) const {
  const std::int64_t smallest = *std::ranges::min_element(tokens_);
  std::vector<MicroBatch> all(static_cast<std::size_t>(choice_of(options_.micro_batches)));
  std::set<std::pair<double, std::size_t>> open;  // those with room for any clip, by cost
  for (std::size_t i = 0; i < all.size(); ++i) open.emplace(0.0, i);
  for (const Draw& draw : draws) {
    const std::int64_t tokens = tokens_[static_cast<std::size_t>(draw.item)];
    const auto found = std::ranges::find_if(open, [&](const auto& each) {
      return all[each.second].tokens + tokens <= options_.token_budget;
    });
    if (found == open.end()) continue;
    const std::size_t index = found->second;
    open.erase(found);
    MicroBatch& batch = all[index];
    batch.draws.push_back(draw);
    batch.tokens += tokens;
    batch.cost += options_.cost(tokens);
    if (batch.tokens + smallest <= options_.token_budget) open.emplace(batch.cost, index);
  }
  return all;
}

std::vector<MicroBatch> Packer::next_step() {
  const std::vector<Draw> draws = candidates();
  const std::int64_t waited = position_.next_sample - draws.front().sample;
  std::vector<MicroBatch> step =
      most_alike(pack(draws), options_.micro_batches, waited <= kPatience * std::ssize(draws));
  std::unordered_set<std::int64_t> taken;
  for (MicroBatch& batch : step) {
    std::ranges::sort(batch.draws, {}, &Draw::sample);
    for (const Draw& draw : batch.draws) taken.insert(draw.sample);
  }
  position_.pending.clear();
  for (const Draw& draw : draws)
    if (!taken.contains(draw.sample)) position_.pending.push_back(draw.sample);
  std::ranges::sort(position_.pending);
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
