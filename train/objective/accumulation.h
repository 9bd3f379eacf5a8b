#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "data/loader/batch.h"
#include "model/dit.h"
#include "model/flow_matching.h"
#include "parallel/group.h"
#include "parallel/pipeline_executor.h"
#include "train/objective/step_work.h"

namespace muybridge {

struct AccumulationOptions {
  FlowOptions flow;
  std::uint64_t seed = 0;  // noise and times are keyed by (seed, step, sample)
  std::int64_t step = 0;
  Timeline* timeline = nullptr;
  double normaliser = 1;  // gradients are those of the squared error over this
  // Micro-batches from this one on only go along with those of other replicas: they add nothing, to
  // gradients nor to the result.
  int counted = std::numeric_limits<int>::max();
  // When a micro-batch has added what it gives to the gradient of the parameter `tag`; `complete`
  // with the last.
  std::function<void(std::int64_t tag, bool complete)> on_leaf_ready = {};
};

// Forward and backward of the schedule's micro-batches, which `next` hands out one after another:
// gradients are added to the parameters. All ranks of the pipeline at once, each with the same
// batches.
StepResult accumulate_gradients(const Dit& dit, const PipelineSchedule& schedule, Group& pipeline,
                                const std::function<Batch()>& next,
                                const AccumulationOptions& options);

// The same of one batch on one rank.
StepResult accumulate_gradients(const Dit& dit, const Batch& batch,
                                const AccumulationOptions& options);

}  // namespace muybridge
