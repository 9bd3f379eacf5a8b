#include "train/objective/flow_objective.h"

#include "train/model_options.h"
#include "train/objective/accumulation.h"
#include "train/objective/idle_batch.h"

namespace muybridge {

FlowObjective::FlowObjective(const TrainConfig& config, Dit dit, const Parameters& parameters,
                             Mesh mesh)
    : config_(config), dit_(std::move(dit)), parameters_(parameters), mesh_(std::move(mesh)) {}

std::string FlowObjective::describe(std::int64_t parameters) const {
  return describe_model(dit_.options, parameters);
}

StepResult FlowObjective::accumulate(const StepWork& work) {
  const int count = micro_batches_of_all(work.micro_batches);
  if (count == 0) return {};  // the others' gradients are taken over
  auto found = schedules_.find(count);
  if (found == schedules_.end())
    found = schedules_.emplace(count, schedule_of(config_, count)).first;
  const auto next = [&, left = work.micro_batches]() mutable {
    return left-- > 0 ? work.next() : idle_batch(dit_.options, mesh_.tokens()->size());
  };
  return accumulate_gradients(dit_, found->second, *mesh_.pipeline(), next,
                              {.flow = flow_options(config_),
                               .seed = work.seed,
                               .step = work.step,
                               .timeline = work.timeline,
                               .normaliser = work.normaliser,
                               .counted = work.micro_batches,
                               .on_leaf_ready = work.on_leaf_ready});
}

// Where values or gradients of blocks come and go all replicas run as many micro-batches.
int FlowObjective::micro_batches_of_all(int mine) const {
  if (parameters_.sharing() < Sharing::kGradients) return mine;
  const int replicas = mesh_.sizes().data;
  return (config_.batch.micro_batches + replicas - 1) / replicas;
}

Evaluation FlowObjective::evaluate(const EvaluationSubject& subject, const RunFolder& run) const {
  return muybridge::evaluate(dit_, subject, run, mesh_);
}

}  // namespace muybridge
