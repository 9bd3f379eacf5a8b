#pragma once

#include <array>
#include <cstdint>

#include "data/loader/batch_builder.h"
#include "model/dit.h"
#include "model/flow_matching.h"
#include "parallel/mesh.h"

namespace muybridge {

inline constexpr int kTimeQuantiles = 9;

struct ValidationOptions {
  FlowOptions flow;
  std::uint64_t seed = 0;
  int clips = 64;  // at most so many of the split
};

// Mean squared error of the velocity on the held-out clips, at the centres of nine quantiles of the
// training density, with noise keyed by (seed, clip, quantile): the same numbers for any ranks.
// All are NaN when the corpus holds no such clip. Collective; the replicas of the model share
// the clips, and a clip that cannot be read on one is an error of all.
std::array<double, kTimeQuantiles> validation_losses(const Dit& dit, const CorpusIndex& corpus,
                                                     const BatchOptions& batch,
                                                     const ValidationOptions& options,
                                                     const Mesh& mesh);

}  // namespace muybridge
