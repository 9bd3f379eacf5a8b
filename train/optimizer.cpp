#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "core/ops/accumulate.h"
#include "core/ops/adamw.h"
#include "core/ops/muon.h"

namespace muybridge {
namespace {

bool is_muons(const Parameter& parameter, const TrainConfig::Optimizer& options) {
  return options.matrices == TrainConfig::Matrices::kMuon && parameter.spec.hidden;
}

// Of making a matrix orthogonal, up to a factor.
std::int64_t cost_of(const Shape& shape) { return shape.numel() * std::min(shape[0], shape[1]); }

}  // namespace

Optimizer::Optimizer(const Parameters& parameters, const TrainConfig::Optimizer& options,
                     std::shared_ptr<Group> group)
    : parameters_(parameters), options_(options), group_(std::move(group)) {
  const Tensor& master = parameters.master();
  momentum_ = Tensor::zeros(master.shape(), master.dtype(), master.device());
  variance_ = Tensor::zeros(master.shape(), master.dtype(), master.device());
  average_ = master.clone();
  plan_adamw();
  plan_muon();
}

void Optimizer::plan_adamw() {
  std::vector<const Parameter*> list;
  for (const Parameter& parameter : parameters_.list()) list.push_back(&parameter);
  std::sort(list.begin(), list.end(),
            [](const auto* a, const auto* b) { return a->offset < b->offset; });
  bool open = false;  // whether the next parameter may lengthen the last run
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::int64_t begin = list[i]->offset;
    const std::int64_t end = i + 1 < list.size() ? list[i + 1]->offset : parameters_.flat_size();
    const double decay = list[i]->spec.decay ? options_.weight_decay : 0.0;
    const bool adamw = !is_muons(*list[i], options_);
    if (adamw && open && runs_.back().weight_decay == decay)
      runs_.back().count = end - runs_.back().begin;
    else if (adamw)
      runs_.push_back({.begin = begin, .count = end - begin, .weight_decay = decay});
    open = adamw;
  }
}

// The costliest matrix first, each to the rank that has least.
void Optimizer::plan_muon() {
  for (const Parameter& parameter : parameters_.list())
    if (is_muons(parameter, options_)) matrices_.push_back({.parameter = &parameter, .owner = 0});
  std::vector<Matrix*> by_cost;
  for (Matrix& matrix : matrices_) by_cost.push_back(&matrix);
  std::stable_sort(by_cost.begin(), by_cost.end(), [](const Matrix* a, const Matrix* b) {
    return cost_of(a->parameter->spec.shape) > cost_of(b->parameter->spec.shape);
  });
  std::vector<std::int64_t> load(static_cast<std::size_t>(group_->size()));
  for (Matrix* matrix : by_cost) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += cost_of(matrix->parameter->spec.shape);
    matrix->owner = static_cast<int>(least - load.begin());
  }
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
  step_matrices(options_.matrix_rate * learning_rate, scale * clip, 1 - decay);
  for (const Run& run : runs_) {
    const auto part = [&run](const Tensor& flat) { return flat.rows(run.begin, run.count); };
    adamw({.master = part(parameters_.master()),
           .m = part(momentum_),
           .v = part(variance_),
           .gradient = part(parameters_.gradients()),
           .average = part(average_),
           .compute = rounded() ? part(parameters_.compute()) : Tensor{}},
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

// Each rank makes its share of the directions orthogonal, in the place of their gradients, while
// those of the others arrive.
void Optimizer::step_matrices(double learning_rate, double scale, double average_weight) const {
  std::vector<Work> arrivals;
  for (const auto& [parameter, owner] : matrices_) {
    const Tensor direction = parameters_.slice(parameters_.gradients(), *parameter);
    muon_momentum(parameters_.slice(momentum_, *parameter), direction, options_.momentum, scale);
    if (owner == group_->rank()) direction.copy_from(orthogonalize(direction));
    arrivals.push_back(group_->broadcast(direction, owner));
  }
  for (std::size_t i = 0; i < matrices_.size(); ++i) {
    const Parameter& parameter = *matrices_[i].parameter;
    arrivals[i].wait();
    descend({.master = parameters_.slice(parameters_.master(), parameter),
             .direction = parameters_.slice(parameters_.gradients(), parameter),
             .average = parameters_.slice(average_, parameter),
             .compute = rounded() ? parameters_.slice(parameters_.compute(), parameter) : Tensor{}},
            {.learning_rate = learning_rate,
             .weight_decay = parameter.spec.decay ? options_.weight_decay : 0.0,
             .average_weight = average_weight});
  }
}

}  // namespace muybridge
