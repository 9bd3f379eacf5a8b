#include "parallel/schedule/tuned.h"

#include <algorithm>

#include "core/error.h"
#include "parallel/schedule/orders.h"
#include "parallel/schedule/task_graph.h"
#include "parallel/schedule/ticks.h"

namespace muybridge {
namespace {

struct Plan {
  double finish = 0;
  std::vector<double> starts;
};

// 1.1 times the largest that 1F1B holds on a rank, which has virtual_stages sections in a row.
double default_limit(const Placement& placement, int micro_batches, const PipelineCosts& costs) {
  double largest = 0;
  for (int r = 0; r < placement.stages; ++r) {
    double activation = 0;
    for (int c = 0; c < placement.virtual_stages; ++c) {
      const int section = r * placement.virtual_stages + c;
      activation += costs.sections[static_cast<std::size_t>(section)].activation;
    }
    largest = std::max(largest, activation * std::min(placement.stages - r, micro_batches));
  }
  return 1.1 * largest;
}

// The best of walks through time, backwards and forwards in turns.
Plan improve(const TaskGraph& graph, std::vector<double> keys, double memory, int walks) {
  Plan best;
  std::vector<double> starts;
  for (int walk = 0; walk < walks; ++walk) {
    const bool forwards = walk % 2 == 0;
    const double finish = graph.list_schedule(
        forwards ? Direction::kForwards : Direction::kBackwards, keys, memory, starts);
    // What ended last comes first on the way back.
    keys = starts;
    graph.turn(finish, keys);
    if (best.starts.empty() || finish < best.finish) best = {finish, forwards ? starts : keys};
  }
  return best;
}

// From seeds that put weight gradients off more or less, or hold more or fewer micro-batches.
Plan search(const Placement& placement, int micro_batches, const PipelineCosts& ticks,
            double memory, int largest_walks) {
  const TaskGraph graph(placement, micro_batches, ticks);
  // What holds where BackwardInput neither takes nor releases holds where it does, and is often
  // found sooner.
  PipelineCosts strict = ticks;
  for (SectionCost& cost : strict.sections)
    cost.kept = cost.activation = std::max(cost.activation, cost.kept);
  const TaskGraph strict_graph(placement, micro_batches, strict);

  constexpr int kAhead = 4;
  constexpr std::size_t kWork = 2'000'000;  // computations placed in all
  const int walks = std::clamp(static_cast<int>(kWork / graph.size()) / (4 * kAhead), 2,
                               std::max(largest_walks, 2));
  Plan best;
  for (int ahead = 0; ahead < kAhead; ++ahead)
    for (const bool later : {false, true}) {
      PipelineSchedule seed{placement, micro_batches, {}};
      for (int r = 0; r < placement.stages; ++r)
        seed.ranks.push_back(zb_interleaved(
            {r, placement.stages, micro_batches, placement.virtual_stages}, ahead, later ? r : 0));
      const std::vector<double> keys = graph.starts_of(seed, ticks);
      for (const TaskGraph* rules : {&strict_graph, &graph}) {
        if (memory < rules->largest_micro_batch()) continue;
        Plan plan = improve(*rules, keys, memory, walks);
        if (best.starts.empty() || plan.finish < best.finish) best = std::move(plan);
      }
    }
  return best;
}

// The same with each backward in one piece.
PipelineCosts unsplit(PipelineCosts costs) {
  for (SectionCost& cost : costs.sections) {
    cost.backward_input = cost.backward();
    cost.backward_weight = cost.kept = 0;
  }
  return costs;
}

PipelineSchedule unsplit(PipelineSchedule schedule) {
  for (Order& order : schedule.ranks) {
    std::erase_if(order,
                  [](const Action& action) { return action.kind == ActionKind::kBackwardWeight; });
    for (Action& action : order)
      if (action.kind == ActionKind::kBackwardInput) action.kind = ActionKind::kBackward;
  }
  return schedule;
}

bool keeps_more_than_activations(const PipelineCosts& costs) {
  return std::ranges::any_of(costs.sections,
                             [](const SectionCost& cost) { return cost.kept > cost.activation; });
}

}  // namespace

PipelineSchedule tuned(const Placement& placement, int micro_batches, const PipelineCosts& costs,
                       double memory_limit, int largest_walks) {
  const PipelineCosts ticks = in_ticks(costs), whole = unsplit(ticks);
  const TaskGraph graph(placement, micro_batches, ticks);
  const TaskGraph whole_graph(placement, micro_batches, whole);
  const double limit =
      memory_limit > 0 ? memory_limit : default_limit(placement, micro_batches, costs);
  // Rounding of activations to ticks must not cost a whole one.
  const double memory = limit * memory_ticks(costs) + placement.virtual_stages;
  if (memory < whole_graph.largest_micro_batch())
    fail(ExitCode::kUsage,
         "schedule tuned: a rank holds {} of one micro-batch's activations, the limit is {}; raise "
         "it",
         whole_graph.largest_micro_batch() / memory_ticks(costs), limit);
  const Plan split = search(placement, micro_batches, ticks, memory, largest_walks);
  if (!keeps_more_than_activations(ticks)) return graph.schedule_of(split.starts);
  const Plan plain = search(placement, micro_batches, whole, memory, largest_walks);
  return split.starts.empty() || plain.finish < split.finish
             ? unsplit(whole_graph.schedule_of(plain.starts))
             : graph.schedule_of(split.starts);
}

}  // namespace muybridge
