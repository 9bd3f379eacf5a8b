#pragma once

#include <cstdint>

#include "train/config.h"

namespace muybridge {

// The learning rate of `step` (the first is 1) of a run of `steps`: a linear rise over the warm-up,
// then constant, a half cosine, or a line down to the minimum at the last step.
double learning_rate_at(const TrainConfig::Optimizer& optimizer, std::int64_t step,
                        std::int64_t steps);

}  // namespace muybridge
