#pragma once

#include "parallel/mesh.h"
#include "train/checkpoint/committer.h"
#include "train/records/metrics.h"
#include "train/records/run_folder.h"
#include "train/replica_loader.h"
#include "train/update/optimizer.h"

namespace muybridge {

// What a run trains; the parts outlive this.
struct TrainedModel {
  const Mesh& mesh;  // that says what of the model this rank holds
  const Parameters& parameters;
  const Optimizer& optimizer;
  ReplicaLoader& loader;
};

// Where a run begins this time.
struct StartingPoint {
  std::int64_t step = 0;        // steps done
  std::int64_t committed = -1;  // step of the last commit
  double train_seconds = 0;     // that they took, in earlier starts
  nlohmann::json metrics;       // of the last step, as the commit keeps them; null: none
};

// The commit that train.init_from means. Throws Error(kUsage) where there is none, or it is of
// another model. Collective.
std::filesystem::path require_origin(const TrainConfig& config, Group& group);

// Brings the model to the run's last commit, or to the weights of train.init_from, or leaves it as
// it was drawn. Throws Error(kUsage) where the configuration is that of another run or model.
// `corpus` is the identity of what is trained on. Collective.
StartingPoint restore(const TrainConfig& config, const RunFolder& run, const std::string& corpus,
                      const TrainedModel& model, Group& group);

// How the run is committed; `ranks_here` share this machine.
CommitterOptions committer_options(const TrainConfig& config, const RunFolder& run, int ranks_here);

// Commits the model after `last`, which the commit keeps too: a start that finds a commit can write
// the line of metrics that a kill prevented. Collective.
void commit_run(Committer& committer, const TrainConfig& config, const StepMetrics& last,
                double train_seconds, const TrainedModel& model);

}  // namespace muybridge
