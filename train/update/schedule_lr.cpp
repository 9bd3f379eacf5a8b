#include "train/update/schedule_lr.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace muybridge {

double learning_rate_at(const TrainConfig::Optimizer& o, std::int64_t step, std::int64_t steps) {
  if (step <= o.warmup_steps)
    return o.learning_rate * static_cast<double>(step) / static_cast<double>(o.warmup_steps);
  const auto left = static_cast<double>(std::max<std::int64_t>(1, steps - o.warmup_steps));
  const double share = std::min(1.0, static_cast<double>(step - o.warmup_steps) / left);
  const double fall = o.learning_rate - o.min_learning_rate;
  switch (o.schedule) {
    case TrainConfig::Schedule::kConstant:
      return o.learning_rate;
    case TrainConfig::Schedule::kCosine:
      return o.min_learning_rate + fall * 0.5 * (1 + std::cos(std::numbers::pi * share));
    case TrainConfig::Schedule::kLinear:
      return o.min_learning_rate + fall * (1 - share);
  }
  return o.learning_rate;
}

}  // namespace muybridge
