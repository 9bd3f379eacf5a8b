#include "train/update/optimizer.h"

#include <algorithm>
#include <cmath>

#include "core/ops/accumulate.h"
#include "core/ops/update/adamw.h"
#include "parallel/values.h"
#include "parallel/zero/sharing.h"

namespace muybridge {

Optimizer::Optimizer(const Parameters& parameters, const TrainConfig::Optimizer& options, Mesh mesh)
    : parameters_(parameters), options_(options), mesh_(std::move(mesh)) {
  const Tensor& master = parameters.master();
  state_ = {.momentum = Tensor::zeros(master.shape(), master.dtype(), master.device()),
            .variance = Tensor::zeros(master.shape(), master.dtype(), master.device()),
            .average = master.clone()};
  for (const ParameterRange& range : parameters.ranges()) plan_runs(range);
  matrices_.emplace(parameters, options_, mesh_, state_);
}

// The gap behind a parameter belongs to its run.
void Optimizer::plan_runs(const ParameterRange& range) {
  std::vector<const Parameter*> list;
  for (const Parameter& parameter : parameters_.list())
    if (!parameter.frozen && &parameters_.range_of(parameter) == &range) list.push_back(&parameter);
  std::ranges::sort(list, {}, &Parameter::offset);
  const auto decay_of = [&](const Parameter& parameter) {
    return parameter.spec.decay ? options_.weight_decay : 0.0;
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (follows_muon(*list[i], options_)) continue;
    const std::size_t first = i;
    while (i + 1 < list.size() && !follows_muon(*list[i + 1], options_) &&
           decay_of(*list[i + 1]) == decay_of(*list[first]))
      ++i;
    const std::int64_t end = i + 1 < list.size() ? list[i + 1]->offset : range.begin + range.count;
    const FlatRange mine = kept_in(range.kept, {list[first]->offset, end});
    if (mine.size() > 0)
      runs_.push_back({StateSlices(parameters_, range, mine, state_), decay_of(*list[first])});
  }
}

double Optimizer::gradient_norm(double scale) const {
  const Coordinate& at = mesh_.coordinate();
  const bool shared = parameters_.sharing() != Sharing::kNothing;
  std::vector<Tensor> counted;
  for (const ParameterRange& range : parameters_.ranges()) {
    const bool counts = at.context == 0 && (at.tensor == 0 || !(range.copies & kOverTensor)) &&
                        (at.pipeline == 0 || !(range.copies & kOverPipeline));
    if (shared || counts) counted.push_back(range.kept_gradients);
  }
  const double squares = sum_of_squares(counted);
  // Of what ranks share each keeps another part.
  Group& all = shared ? *mesh_.world() : *mesh_.replica();
  return std::sqrt(all_reduce_value(all, squares, Reduce::kSum)) * scale;
}

void Optimizer::step(std::int64_t step, double learning_rate, double scale, double norm) const {
  const double clip =
      options_.clip_norm > 0 && norm > options_.clip_norm ? options_.clip_norm / norm : 1.0;
  // Early on the average follows closely, so that the random start is soon forgotten.
  const auto n = static_cast<double>(step);
  const double decay =
      options_.ema_warmup ? std::min(options_.ema_decay, (1 + n) / (10 + n)) : options_.ema_decay;
  matrices_->step(options_.matrix_rate * learning_rate, scale * clip, 1 - decay);
  for (const auto& [slices, weight_decay] : runs_)
    adamw({.master = slices.master,
           .m = slices.momentum,
           .v = slices.variance,
           .gradient = slices.gradient,
           .average = slices.average,
           .compute = slices.compute},
          {.step = step,
           .learning_rate = learning_rate,
           .beta1 = options_.beta1,
           .beta2 = options_.beta2,
           .eps = options_.eps,
           .weight_decay = weight_decay,
           .gradient_scale = scale * clip,
           .average_weight = 1 - decay});
  spread_values(parameters_, mesh_);
}

}  // namespace muybridge
