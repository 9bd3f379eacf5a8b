#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "core/parameters.h"
#include "parallel/group.h"
#include "train/checkpoint/checkpoint_reader.h"

namespace muybridge {

struct FlatRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// The part of [0, flat_size) that one of `ranks` equals writes. Cuts fall anywhere, also inside a
// parameter.
FlatRange even_share(std::int64_t flat_size, int rank, int ranks);

// All that a run needs to go on bitwise as if it had not stopped.
struct TrainState {
  const Parameters* parameters = nullptr;
  // Flat, in the order of `parameters`, f32 or f64: whole [flat_size], or only this rank's `owned`
  // elements. Undefined: the run has none.
  Tensor master = {};
  Tensor momentum = {};
  Tensor variance = {};
  Tensor ema = {};
  // What this rank writes. The ranges of all ranks tile [0, flat_size).
  FlatRange owned = {};

  std::int64_t step = 0;
  std::uint64_t seed = 0;
  nlohmann::json loader_position = {};
  nlohmann::json extra = {};  // whatever else the trainer keeps
  std::string config = {};    // the resolved YAML

  const Tensor& of(StateKind kind) const;
};

// Commits the state as CHECKPOINTS/step-NNNNNNNN (docs/checkpoints.md), moves `latest`, and removes
// all but the newest `keep` commits. Collective; every rank writes its own file. When any rank
// fails all throw, and the commits that were there stay. Returns the new commit's path.
std::filesystem::path save_checkpoint(const std::filesystem::path& checkpoints,
                                      const TrainState& state, Group& group, int keep = 2);

// Fills the state's tensors, as much as each rank holds, and its records. `parameters`, the tensors
// and `owned` say what is wanted. An EMA that the checkpoint lacks begins as its master weights.
// Error(kUsage) when the checkpoint does not fit the parameters, Error(kCorrupt) when it is
// damaged. The caller publishes the compute copy.
void load_checkpoint(const CheckpointReader& reader, TrainState& state);

// Only weights, into parameters.master() and its compute copy: for sampling and init_from.
void load_weights(const CheckpointReader& reader, const Parameters& parameters, StateKind which);

}  // namespace muybridge
