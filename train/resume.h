#pragma once

#include "data/loader/loader.h"
#include "train/checkpoint.h"
#include "train/optimizer.h"
#include "train/run_folder.h"

namespace muybridge {

// What a commit holds of a run besides its records: views of these tensors, all of them.
TrainState state_of(const Parameters& parameters, const Optimizer& optimizer);

// Where a run begins this time.
struct StartingPoint {
  std::int64_t step = 0;        // steps done
  std::int64_t committed = -1;  // step of the last commit
  double train_seconds = 0;     // that they took, in earlier starts
};

// Brings parameters, optimizer and loader to the run's last commit, or to the weights of
// train.init_from, or leaves them as they were drawn. Collective.
StartingPoint restore(const TrainConfig& config, const RunFolder& run, const Parameters& parameters,
                      const Optimizer& optimizer, Loader& loader, Group& group);

}  // namespace muybridge
