#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "core/ops/accumulate.h"
#include "core/ops/adamw.h"

namespace muybridge {

Optimizer::Optimizer(const Parameters& parameters, const TrainConfig::Optimizer& options)
    : parameters_(parameters), options_(options) {
  const Tensor& master = parameters.master();
  momentum_ = Tensor::zeros(master.shape(), master.dtype(), master.device());
  variance_ = Tensor::zeros(master.shape(), master.dtype(), master.device());
  average_ = master.clone();
  for (const Parameter& parameter : parameters.list()) {
    const double decay = parameter.spec.decay ? options.weight_decay : 0.0;
    if (!runs_.empty()) runs_.back().count = parameter.offset - runs_.back().begin;
    if (runs_.empty() || runs_.back().weight_decay != decay)
      runs_.push_back({.begin = parameter.offset, .count = 0, .weight_decay = decay});
  }
  if (!runs_.empty()) runs_.back().count = parameters.flat_size() - runs_.back().begin;
}

double Optimizer::gradient_norm(double scale) const {
  return std::sqrt(sum_of_squares(parameters_.gradients())) * scale;
}

void Optimizer::step(std::int64_t step, double learning_rate, double scale, double norm) const {
  const double clip =
      options_.clip_norm > 0 && norm > options_.clip_norm ? options_.clip_norm / norm : 1.0;
  // Early on the average follows closely, so that the random start is soon forgotten.
  const auto n = static_cast<double>(step);
  const double decay =
      options_.ema_warmup ? std::min(options_.ema_decay, (1 + n) / (10 + n)) : options_.ema_decay;
  const bool rounded = parameters_.compute().dtype() != parameters_.master().dtype();
  for (const Run& run : runs_) {
    const auto part = [&run](const Tensor& flat) { return flat.rows(run.begin, run.count); };
    adamw({.master = part(parameters_.master()),
           .m = part(momentum_),
           .v = part(variance_),
           .gradient = part(parameters_.gradients()),
           .average = part(average_),
           .compute = rounded ? part(parameters_.compute()) : Tensor{}},
          {.step = step,
           .learning_rate = learning_rate,
           .beta1 = options_.beta1,
           .beta2 = options_.beta2,
           .eps = options_.eps,
           .weight_decay = run.weight_decay,
           .gradient_scale = scale * clip,
           .average_weight = 1 - decay});
  }
}

}  // namespace muybridge
