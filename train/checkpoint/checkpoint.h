#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/parameters.h"
#include "parallel/group.h"
#include "train/checkpoint/checkpoint_reader.h"
#include "train/checkpoint/replicas.h"
#include "train/checkpoint/state_pieces.h"

namespace muybridge {

// All that a run needs to go on bitwise as if it had not stopped.
struct TrainState {
  // What this rank knows of the model: the ranks together know all of it.
  Catalogue catalogue = {};
  // To be saved: what this rank writes; the pieces of all ranks have each element of the model
  // once. To be loaded: what is wanted here.
  std::vector<StatePiece> pieces = {};
  // To be saved: hashes of the weights that other ranks may hold too, which a commit compares.
  std::vector<HeldWeights> weights = {};

  std::int64_t step = 0;
  std::uint64_t seed = 0;
  nlohmann::json loader_position = {};
  nlohmann::json extra = {};  // whatever else the trainer keeps
  std::string config = {};    // the resolved YAML
};

// Commits the state as CHECKPOINTS/step-NNNNNNNN (docs/checkpoints.md), moves `latest`, and removes
// all but the newest `keep` commits. Collective; every rank writes its own file. When any rank
// fails, or holds other weights than those that should hold the same, all throw, and the commits
// that were there stay. Returns the new commit's path.
std::filesystem::path save_checkpoint(const std::filesystem::path& checkpoints,
                                      const TrainState& state, Group& group, int keep = 2);

// Fills the state's pieces and its records; its catalogue is that of the whole model. An EMA that
// the checkpoint lacks begins as its master weights. Error(kUsage) when the checkpoint does not fit
// the model, before anything is filled, Error(kCorrupt) when it is damaged. The caller publishes
// the compute copy.
void load_checkpoint(const CheckpointReader& reader, TrainState& state);

// Only weights, what this rank holds of them, (Parameters::fill): for sampling. `model` is the
// catalogue of the whole model.
void load_weights(const CheckpointReader& reader, const Catalogue& model,
                  const Parameters& parameters, StateKind which);

}  // namespace muybridge
