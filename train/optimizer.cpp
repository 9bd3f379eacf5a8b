#include "train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/ops/accumulate.h"
#include "core/ops/update/adamw.h"
#include "core/ops/update/muon.h"
#include "parallel/values.h"

namespace muybridge {
namespace {

bool is_muons(const Parameter& parameter, const TrainConfig::Optimizer& options) {
  return options.matrices == TrainConfig::Matrices::kMuon && parameter.spec.hidden;
}

// Of making a matrix orthogonal, up to a factor.
std::int64_t cost_of(const Shape& shape) { return shape.numel() * std::min(shape[0], shape[1]); }

}  // namespace

Optimizer::Optimizer(const Parameters& parameters, const TrainConfig::Optimizer& options, Mesh mesh)
    : parameters_(parameters), options_(options), mesh_(std::move(mesh)) {
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
  std::map<int, std::vector<std::int64_t>> loads;  // of the ranks, by copies
  for (Matrix* matrix : by_cost) {
    std::vector<std::int64_t>& load = loads[matrix->parameter->copies];
    load.resize(static_cast<std::size_t>(holders_of(*matrix->parameter).size()));
    const auto least = std::min_element(load.begin(), load.end());
    *least += cost_of(matrix->parameter->spec.shape);
    matrix->owner = static_cast<int>(least - load.begin());
  }
}

double Optimizer::gradient_norm(double scale) const {
  const Coordinate& at = mesh_.coordinate();
  double squares = 0;
  for (const CopiesRange& range : parameters_.ranges()) {
    const bool counts = at.context == 0 && (at.tensor == 0 || !(range.copies & kOverTensor)) &&
                        (at.pipeline == 0 || !(range.copies & kOverPipeline));
    if (counts) squares += sum_of_squares(parameters_.gradients().rows(range.begin, range.count));
  }
  return std::sqrt(all_reduce_value(*mesh_.replica(), squares, Reduce::kSum)) * scale;
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

// In its place. Of a matrix that tensor ranks share the owner's tensor group puts the parts
// together; its ranks own the same matrices.
void Optimizer::make_orthogonal(const Tensor& direction, const Parameter& parameter) const {
  if (parameter.split.parts == 1) return direction.copy_from(orthogonalize(direction));
  Group& group = *mesh_.tensor();
  const Tensor parts = Tensor::empty({group.size(), direction.numel()}, direction.dtype());
  group
      .all_gather(direction.to(Device::kCpu).reshape({direction.numel()}),
                  parts.reshape({parts.numel()}))
      .wait();
  const Tensor whole = Tensor::empty(parameter.spec.shape, direction.dtype());
  Split split = parameter.split;
  for (split.part = 0; split.part < split.parts; ++split.part)
    scatter(parts.rows(split.part, 1), share_slice(parameter.spec.shape, split), whole);
  const Tensor orthogonal = orthogonalize(whole.to(direction.device())).to(Device::kCpu);
  const Tensor mine = Tensor::empty(direction.shape(), direction.dtype());
  gather(orthogonal, parameter.slice(), mine);
  direction.copy_from(mine.to(direction.device()));
}

// Each rank makes its share of the directions orthogonal, in the place of their gradients, while
// those of the others arrive.
void Optimizer::step_matrices(double learning_rate, double scale, double average_weight) const {
  std::vector<Work> arrivals;
  for (const auto& [parameter, owner] : matrices_) {
    Group& holders = holders_of(*parameter);
    const Tensor direction = parameters_.slice(parameters_.gradients(), *parameter);
    muon_momentum(parameters_.slice(momentum_, *parameter), direction, options_.momentum, scale);
    if (owner == holders.rank()) make_orthogonal(direction, *parameter);
    arrivals.push_back(holders.broadcast(direction, owner));
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
             .extent = std::max(parameter.spec.shape[0], parameter.spec.shape[1]),
             .average_weight = average_weight});
  }
}

}  // namespace muybridge
