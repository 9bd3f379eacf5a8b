#pragma once

#include <map>

#include "model/dit.h"
#include "parallel/schedule/schedule.h"
#include "train/objective/objective.h"

namespace muybridge {

// A DiT learns the velocity of rectified flow, in any layout of ranks.
class FlowObjective final : public Objective {
 public:
  // `parameters` are the model's, and outlive this with all else that is handed in.
  FlowObjective(const TrainConfig& config, Dit dit, const Parameters& parameters, Mesh mesh);

  std::string describe(std::int64_t parameters) const override;
  std::int64_t token_width() const override { return dit_.options.token_width(); }
  StepResult accumulate(const StepWork& work) override;
  Evaluation evaluate(const EvaluationSubject& subject, const RunFolder& run) const override;

 private:
  int micro_batches_of_all(int mine) const;

  const TrainConfig& config_;
  const Dit dit_;
  const Parameters& parameters_;
  const Mesh mesh_;
  std::map<int, PipelineSchedule> schedules_;  // by micro-batches
};

}  // namespace muybridge
