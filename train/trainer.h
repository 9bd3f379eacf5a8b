#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "parallel/mesh.h"
#include "parallel/world.h"
#include "train/checks/preflight.h"
#include "train/objective/objective.h"
#include "train/records/run_records.h"
#include "train/records/step_trace.h"
#include "train/resume.h"
#include "train/stop_request.h"
#include "train/train_step.h"
#include "train/update/optimizer.h"

namespace muybridge {

enum class TrainOutcome : std::uint8_t {
  kFinished,   // all steps are done
  kPreempted,  // stopped on request, or by train.max_seconds, after a commit
};

// One run: training of a model in any layout of ranks, with periodic evaluation and commits. Every
// rank makes one, and all call run(). A run whose folder holds a commit goes on from there
// (train.resume).
class Trainer {
 public:
  // Throws before anything is written for all that can be known to be wrong
  // (train/checks/preflight.h).
  Trainer(const TrainConfig& config, World& world, const std::vector<std::string>& command_line);

  // An evaluation that fails costs that evaluation: it is logged, and noted in the step's metrics.
  TrainOutcome run();

 private:
  void finish_last_step(const StopRequest& clock);
  void evaluate_and_record(StepMetrics metrics, const StopRequest& clock);
  void evaluate(StepMetrics& metrics, double train_seconds);
  bool evaluation_is_due() const;
  double train_seconds(const StopRequest& clock) const {
    return start_.train_seconds + clock.seconds();
  }

  const TrainConfig config_;
  Group& group_;
  Activity& activity_;
  const Mesh mesh_;
  const Corpora corpora_;
  const EvaluationPrompts prompts_;
  Parameters parameters_;
  UnitStore store_;
  const std::unique_ptr<Objective> objective_;
  std::unique_ptr<ReplicaLoader> loader_;
  const RunFolder run_;
  FolderLock lock_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<TrainStep> train_step_;
  SlowRanks slow_ranks_;
  std::unique_ptr<TrainedModel> model_;
  StartingPoint start_;
  std::unique_ptr<RunRecords> records_;  // of rank 0
  StepTrace trace_;
  std::unique_ptr<Committer> committer_;
  std::int64_t step_ = 0;        // steps done
  std::int64_t committed_ = -1;  // step of the last commit, which may be under way
  int failed_evaluations_ = 0;
};

}  // namespace muybridge
