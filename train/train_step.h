#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "parallel/grad_reducer.h"
#include "parallel/mesh.h"
#include "parallel/zero/unit_store.h"
#include "train/batch_source.h"
#include "train/config.h"
#include "train/objective/objective.h"
#include "train/records/metrics.h"
#include "train/slow_ranks.h"
#include "train/update/optimizer.h"

namespace muybridge {

// One optimizer step over all ranks: forward and backward of this rank's micro-batches, gradients
// summed on the way, the update. Every rank makes one and calls run() for the same steps.
class TrainStep {
 public:
  // All that is handed in outlives it.
  TrainStep(const TrainConfig& config, Objective& objective, const Parameters& parameters,
            const Optimizer& optimizer, BatchSource& batches, UnitStore& store, Mesh mesh,
            Activity& activity);

  // `step` counts from 1. Throws Error(kInternal) that names step, clips and the last commit
  // (`committed`, -1 where there is none) when the loss or the gradient is not finite; the weights
  // are then those of the step before. `before_change` is called before they change. Collective.
  StepMetrics run(std::int64_t step, std::int64_t committed,
                  const std::function<void()>& before_change = {});

  // What the last step took this rank by itself, and what came between it and the one before.
  const OwnTimes& own_times() const { return own_times_; }

 private:
  // Summed over micro-batches, then over ranks.
  struct Totals {
    double squared_error = 0;
    double divergence = 0;
    double tokens = 0;
    double flops = 0;
    std::vector<std::int64_t> bad_clips;  // of this rank
  };
  void take_times(double step_seconds);
  Totals accumulate(std::int64_t step, double normaliser);
  double exposed_seconds() const { return reducer_.exposed_seconds() + exposed_in_store_; }
  [[noreturn]] void fail_diverged(const StepMetrics& metrics, std::int64_t committed,
                                  const std::vector<std::int64_t>& bad_clips) const;

  const TrainConfig& config_;
  Objective& objective_;
  const Parameters& parameters_;
  const Optimizer& optimizer_;
  BatchSource& batches_;
  UnitStore& store_;
  const Mesh mesh_;
  Activity& activity_;
  GradReducer reducer_;
  OwnTimes own_times_;
  std::deque<double> step_seconds_;  // of the last steps
  double exposed_in_store_ = 0;      // seconds, of the last step
};

}  // namespace muybridge
