#include "parallel/schedule/task_graph.h"

#include <algorithm>
#include <numeric>

#include "parallel/schedule/simulator.h"

namespace muybridge {

TaskGraph::TaskGraph(const Placement& placement, int micro_batches, const PipelineCosts& costs)
    : placement_(placement),
      micro_batches_(micro_batches),
      tasks_(static_cast<std::size_t>(3 * placement.sections() * micro_batches)) {
  const auto add = [&](const Action& action, int section, double duration, double takes,
                       double gives) {
    Task& task = tasks_[static_cast<std::size_t>(index(action.kind, section, action.micro_batch))];
    task.action = action;
    task.rank = placement_.place_of(section).rank;
    task.duration = duration;
    task.takes = {takes, gives};
    task.gives = {gives, takes};
  };
  for (int s = 0; s < placement_.sections(); ++s) {
    const SectionCost& cost = costs.sections[static_cast<std::size_t>(s)];
    const auto [rank, chunk] = placement_.place_of(s);
    const bool last = s + 1 == placement_.sections();
    const double delay = last || placement_.place_of(s + 1).rank == rank ? 0 : costs.communication;
    for (int i = 0; i < micro_batches_; ++i) {
      add(forward(i, chunk), s, cost.forward, cost.activation, 0);
      add(backward_input(i, chunk), s, cost.backward_input,
          std::max(0.0, cost.kept - cost.activation), std::max(0.0, cost.activation - cost.kept));
      add(backward_weight(i, chunk), s, cost.backward_weight, 0, cost.kept);
      const int f = index(ActionKind::kForward, s, i);
      const int b = index(ActionKind::kBackwardInput, s, i);
      connect(f, b, 0);
      connect(b, index(ActionKind::kBackwardWeight, s, i), 0);
      if (last) continue;
      connect(f, index(ActionKind::kForward, s + 1, i), delay);
      connect(index(ActionKind::kBackwardInput, s + 1, i), b, delay);
    }
  }
}

int TaskGraph::index(ActionKind kind, int section, int micro_batch) const {
  const int row = kind == ActionKind::kForward ? 0 : kind == ActionKind::kBackwardInput ? 1 : 2;
  return (row * placement_.sections() + section) * micro_batches_ + micro_batch;
}

void TaskGraph::connect(int first, int second, double delay) {
  const auto add = [&](int task, Direction direction, Edge edge) {
    auto& waits = tasks_[static_cast<std::size_t>(task)].waits[static_cast<std::size_t>(direction)];
    waits[waits[0].task < 0 ? 0 : 1] = edge;
  };
  add(second, Direction::kForwards, {first, delay});
  add(first, Direction::kBackwards, {second, delay});
}

void TaskGraph::turn(double finish, std::vector<double>& starts) const {
  for (std::size_t k = 0; k < tasks_.size(); ++k)
    starts[k] = finish - starts[k] - tasks_[k].duration;
}

std::vector<double> TaskGraph::starts_of(const PipelineSchedule& schedule,
                                         const PipelineCosts& costs) const {
  const Simulation times = simulate(schedule, costs, Sends::kImplied);
  std::vector<double> starts(tasks_.size());
  for (std::size_t r = 0; r < schedule.ranks.size(); ++r)
    for (std::size_t k = 0; k < schedule.ranks[r].size(); ++k) {
      const Action& action = schedule.ranks[r][k];
      const int section = placement_.section_of(static_cast<int>(r), action.chunk);
      starts[static_cast<std::size_t>(index(action.kind, section, action.micro_batch))] =
          times.spans[r][k].start;
    }
  return starts;
}

PipelineSchedule TaskGraph::schedule_of(const std::vector<double>& starts) const {
  std::vector<int> order(tasks_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return starts[static_cast<std::size_t>(a)] < starts[static_cast<std::size_t>(b)];
  });
  PipelineSchedule schedule{placement_, micro_batches_, {}};
  schedule.ranks.resize(static_cast<std::size_t>(placement_.stages));
  for (const int k : order) {
    const Task& task = tasks_[static_cast<std::size_t>(k)];
    schedule.ranks[static_cast<std::size_t>(task.rank)].push_back(task.action);
  }
  return schedule;
}

double TaskGraph::largest_micro_batch() const {
  std::vector<double> ranks(static_cast<std::size_t>(placement_.stages));
  for (const Task& task : tasks_)
    if (task.action.micro_batch == 0) ranks[static_cast<std::size_t>(task.rank)] += task.takes[0];
  return *std::max_element(ranks.begin(), ranks.end());
}

}  // namespace muybridge
