#include <algorithm>
#include <limits>
#include <queue>
#include <set>

#include "parallel/schedule/task_graph.h"

namespace muybridge {

class ListScheduler {
 public:
  ListScheduler(const TaskGraph& graph, Direction direction, const std::vector<double>& keys,
                double memory, std::vector<double>& starts)
      : tasks_(graph.tasks_),
        direction_(static_cast<std::size_t>(direction)),
        keys_(keys),
        limit_(memory),
        starts_(starts),
        missing_(tasks_.size()),
        ready_(tasks_.size()),
        ranks_(static_cast<std::size_t>(graph.placement_.stages)),
        first_(direction == Direction::kForwards ? 0 : graph.micro_batches_ - 1),
        step_(direction == Direction::kForwards ? 1 : -1),
        micro_batches_(graph.micro_batches_) {
    const auto m = static_cast<std::size_t>(micro_batches_);
    for (Rank& rank : ranks_) {
      rank.oldest = first_;
      rank.rest.resize(m);
      rank.held.resize(m);
    }
    for (std::size_t k = 0; k < tasks_.size(); ++k) {
      for (const auto& edge : tasks_[k].waits[direction_]) missing_[k] += edge.task >= 0 ? 1 : 0;
      Rank& rank = rank_of(k);
      rank.rest[micro_batch(k)] += tasks_[k].takes[direction_];
      if (micro_batch(k) == 0) rank.whole += tasks_[k].takes[direction_];
      if (missing_[k] == 0) rank.coming.emplace(0.0, k);
    }
  }

  double run() {
    for (std::size_t r = 0; r < ranks_.size(); ++r) looks_.emplace(0.0, r);
    double finish = 0;
    while (!looks_.empty()) {
      const auto [now, r] = looks_.top();
      looks_.pop();
      if (ranks_[r].free > now) continue;
      if (const std::size_t task = choose(ranks_[r], now); task != kNone)
        finish = std::max(finish, start(task, now));
    }
    return finish;
  }

 private:
  using Keyed = std::pair<double, std::size_t>;  // a key or an instant, and a task or a rank
  template <class T>
  using Earliest = std::priority_queue<T, std::vector<T>, std::greater<>>;
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  struct Rank {
    Earliest<Keyed> coming;          // tasks that wait for nothing but their instant
    std::set<Keyed> takers, others;  // those that could start, by key; takers need memory
    double free = 0;                 // when the rank is
    double memory = 0;
    double whole = 0;                // the most that one micro-batch can hold
    std::vector<double> rest, held;  // by micro-batch: memory that it has yet to take, that it has
    int oldest = 0;                  // micro-batch with some left to take
    double held_before = 0;          // by those before it
  };

  Rank& rank_of(std::size_t k) { return ranks_[static_cast<std::size_t>(tasks_[k].rank)]; }
  std::size_t micro_batch(std::size_t k) const {
    return static_cast<std::size_t>(tasks_[k].action.micro_batch);
  }

  std::size_t choose(Rank& rank, double now) {
    for (; !rank.coming.empty() && rank.coming.top().first <= now; rank.coming.pop()) {
      const std::size_t k = rank.coming.top().second;
      (tasks_[k].takes[direction_] > 0 ? rank.takers : rank.others).emplace(keys_[k], k);
    }
    Keyed best{std::numeric_limits<double>::infinity(), kNone};
    if (!rank.others.empty()) best = *rank.others.begin();
    for (const Keyed& taker : rank.takers) {
      if (taker >= best) break;
      if (fits(rank, taker.second)) {
        best = taker;
        break;
      }
    }
    if (best.second != kNone) {
      rank.takers.erase(best);
      rank.others.erase(best);
    }
    return best.second;
  }

  bool fits(const Rank& rank, std::size_t k) const {
    const double memory = rank.memory + tasks_[k].takes[direction_];
    if (memory > limit_) return false;
    const auto oldest = static_cast<std::size_t>(rank.oldest);
    if (micro_batch(k) == oldest) return true;
    return memory - rank.held_before - rank.held[oldest] + rank.whole <= limit_;
  }

  double start(std::size_t k, double now) {
    const auto& task = tasks_[k];
    Rank& rank = rank_of(k);
    starts_[k] = now;
    rank.free = now + task.duration;
    // What is given is given at the end; nothing else of the rank happens before.
    const double change = task.takes[direction_] - task.gives[direction_];
    rank.memory += change;
    rank.rest[micro_batch(k)] -= task.takes[direction_];
    rank.held[micro_batch(k)] += change;
    if ((rank.oldest - task.action.micro_batch) * step_ > 0) rank.held_before += change;
    for (; rank.oldest >= 0 && rank.oldest < micro_batches_; rank.oldest += step_) {
      const auto oldest = static_cast<std::size_t>(rank.oldest);
      if (rank.rest[oldest] > 0) break;
      rank.held_before += rank.held[oldest];
    }
    for (const auto& edge : task.waits[1 - direction_])
      if (edge.task >= 0) tell(static_cast<std::size_t>(edge.task), rank.free + edge.delay);
    looks_.emplace(rank.free, static_cast<std::size_t>(task.rank));
    return rank.free;
  }

  void tell(std::size_t k, double instant) {
    ready_[k] = std::max(ready_[k], instant);
    if (--missing_[k] > 0) return;
    rank_of(k).coming.emplace(ready_[k], k);
    looks_.emplace(ready_[k], static_cast<std::size_t>(tasks_[k].rank));
  }

  const std::vector<TaskGraph::Task>& tasks_;
  std::size_t direction_;
  const std::vector<double>& keys_;
  double limit_;
  std::vector<double>& starts_;
  std::vector<int> missing_;   // tasks that this one still waits for
  std::vector<double> ready_;  // the latest of those that are over
  std::vector<Rank> ranks_;
  int first_, step_, micro_batches_;
  Earliest<Keyed> looks_;  // when a rank should look for something to do
};

double TaskGraph::list_schedule(Direction direction, const std::vector<double>& keys, double memory,
                                std::vector<double>& starts) const {
  starts.assign(tasks_.size(), -1);
  return ListScheduler(*this, direction, keys, memory, starts).run();
}

}  // namespace muybridge
