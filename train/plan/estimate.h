#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "train/plan/holdings.h"
#include "train/plan/operations.h"
#include "train/plan/simulated_step.h"

namespace muybridge {

// Seconds of a step, the mean over the stages of a replica: what a rank computes, waits for, and
// does after the last backward. They add up to the step.
struct StepTimes {
  double products = 0, attention = 0, elementwise = 0, recompute = 0;
  double exchange = 0;   // over tensor and context ranks, and weights gathered for ZeRO 3
  double bubble = 0;     // of the pipeline
  double gradients = 0;  // their sums, that backward does not hide
  double optimizer = 0;
  double weights = 0;  // of ZeRO 1 and 2, put together after the update
  double batches = 0;  // that the first rank of a replica sends the others

  double total() const;
};

// A name, its value, and what it is, in the order of a table: for reports.
struct Item {
  const char* key;
  const char* about;
  double value;
};
std::vector<Item> items(const StepTimes& times);
std::vector<Item> items(const MemoryEstimate& memory);

// What a rank sends in a step, for an axis of the mesh.
struct AxisTraffic {
  const char* axis;
  double link = 0;     // bytes, inside its node
  double network = 0;  // bytes, to other nodes
};

struct Estimate {
  Layout layout;
  StepTimes step;
  double bubble = 0;  // share of the pipeline's time
  double mfu = 0;     // docs/plan.md has the formula
  double tokens_per_second = 0;
  std::vector<AxisTraffic> traffic;
  MemoryEstimate memory;  // of the stage that needs most
  int largest_stage = 0;
  bool fits = false;  // in a chip's memory, but for the copy that is committed, which is the host's

  double seconds() const { return step.total(); }
};

// The cost model for one workload on one cluster.
class StepModel {
 public:
  StepModel(Cluster cluster, Workload work) : cluster_(std::move(cluster)), work_(work) {}

  // Through the schedule that the ranks would run. The layout can be.
  Estimate estimate(const Layout& layout);
  // The same from formulas of bubble and activations, which are good enough to choose what to
  // simulate.
  Estimate outline(const Layout& layout);
  // What `estimate` simulated.
  const SimulatedStep& timeline(const Layout& layout);

  const Cluster& cluster() const { return cluster_; }
  const Workload& workload() const { return work_; }
  int simulated() const { return simulated_steps_.simulated(); }

 private:
  struct Parts;
  Parts parts_of(const Layout& layout);
  const SimulatedStep& simulated(const Parts& parts);
  Estimate finish(const Parts& parts, double pipeline_seconds, double bubble,
                  const std::vector<double>& held) const;
  const std::vector<Holdings>& holdings(int tensor, const Placement& placement);

  Cluster cluster_;
  Workload work_;
  SimulatedSteps simulated_steps_;
  std::map<std::array<int, 4>, std::vector<Holdings>> holdings_;
};

}  // namespace muybridge
