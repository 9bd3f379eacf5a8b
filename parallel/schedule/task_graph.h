#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "parallel/schedule/costs.h"
#include "parallel/schedule/pipeline_schedule.h"

namespace muybridge {

enum class Direction : std::uint8_t { kForwards, kBackwards };  // in time

// All computations of a step, what each waits for, and what it takes and gives of its rank's
// memory: what a list scheduler needs. F takes an activation, BackwardInput and BackwardWeight give
// it back; where more is kept for BackwardWeight than that, BackwardInput takes the difference. In
// reversed time it is the other way round, and waiting too.
class TaskGraph {
 public:
  // Costs in ticks. Nothing is kept of `costs`.
  TaskGraph(const Placement& placement, int micro_batches, const PipelineCosts& costs);

  std::size_t size() const { return tasks_.size(); }

  // Runs all tasks, a rank always the one with the smallest key among those that could start, no
  // rank past `memory`. Sets the start of each, counted from the end of time where that runs
  // backwards, and returns when all is over. Never gets stuck while `memory` holds one micro-batch
  // of a rank: memory is given away only where the oldest micro-batch that has yet to take some on
  // the rank could still hold all that one can, once those before it are over.
  double list_schedule(Direction direction, const std::vector<double>& keys, double memory,
                       std::vector<double>& starts) const;

  // The same plan told by finishing times from the other end of time.
  void turn(double finish, std::vector<double>& starts) const;

  // When the computations of a schedule start, by task.
  std::vector<double> starts_of(const PipelineSchedule& schedule, const PipelineCosts& costs) const;
  PipelineSchedule schedule_of(const std::vector<double>& starts) const;

  // The most that one micro-batch takes of a rank.
  double largest_micro_batch() const;

 private:
  struct Edge {
    int task = -1;  // none
    double delay = 0;
  };
  struct Task {
    Action action;
    int rank = 0;
    double duration = 0;
    std::array<double, 2> takes{}, gives{};      // by direction
    std::array<std::array<Edge, 2>, 2> waits{};  // by direction: for at most two others
  };
  friend class ListScheduler;

  int index(ActionKind kind, int section, int micro_batch) const;
  void connect(int first, int second, double delay);

  Placement placement_;
  int micro_batches_;
  std::vector<Task> tasks_;
};

}  // namespace muybridge
