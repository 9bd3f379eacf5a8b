#include "train/update/matrix_steps.h"

#include <algorithm>
#include <map>

#include "core/ops/update/muon.h"

namespace muybridge {
namespace {

// Of making a matrix orthogonal, up to a factor.
std::int64_t cost_of(const Shape& shape) { return shape.numel() * std::min(shape[0], shape[1]); }

}  // namespace

bool follows_muon(const Parameter& parameter, const TrainConfig::Optimizer& options) {
  return options.matrices == TrainConfig::Matrices::kMuon && parameter.spec.hidden;
}

MatrixSteps::MatrixSteps(const Parameters& parameters, const TrainConfig::Optimizer& options,
                         Mesh mesh, const OptimizerState& state)
    : options_(options), mesh_(std::move(mesh)) {
  for (const Parameter& parameter : parameters.list()) {
    if (parameter.frozen || !follows_muon(parameter, options_)) continue;
    const ParameterRange& range = parameters.range_of(parameter);
    Matrix matrix{.parameter = &parameter, .range = &range, .mine = {}};
    const FlatRange mine = kept_in(range.kept, matrix.elements());
    if (mine.size() > 0) matrix.mine.emplace(parameters, range, mine, state);
    matrices_.push_back(std::move(matrix));
  }
  choose_owners();
  if (options_.matrices == TrainConfig::Matrices::kMuon)
    for (const std::shared_ptr<Group>& holders : mesh_.copies())
      holders->expect_messages(parameters.master().device());
}

// The costliest matrix first, each to the rank that has least.
void MatrixSteps::choose_owners() {
  std::vector<Matrix*> by_cost;
  for (Matrix& matrix : matrices_) by_cost.push_back(&matrix);
  std::stable_sort(by_cost.begin(), by_cost.end(), [](const Matrix* a, const Matrix* b) {
    return cost_of(a->parameter->spec.shape) > cost_of(b->parameter->spec.shape);
  });
  std::map<int, std::vector<std::int64_t>> loads;  // of the ranks, by copies
  for (Matrix* matrix : by_cost) {
    std::vector<std::int64_t>& load = loads[matrix->parameter->copies];
    load.resize(static_cast<std::size_t>(holders_of(*matrix).size()));
    const auto least = std::min_element(load.begin(), load.end());
    *least += cost_of(matrix->parameter->spec.shape);
    matrix->owner = static_cast<int>(least - load.begin());
  }
}

// Elements of the matrix that a rank of its holders keeps, counted from the matrix's first.
FlatRange MatrixSteps::part_of_rank(const Matrix& matrix, int rank) const {
  const ParameterRange& range = *matrix.range;
  const std::int64_t share = range.kept.size(), begin = range.begin + rank * share;
  const FlatRange kept = kept_in({begin, begin + share}, matrix.elements());
  return {kept.begin - matrix.parameter->offset, kept.end - matrix.parameter->offset};
}

MatrixSteps::Direction MatrixSteps::collect(const Matrix& matrix) const {
  Group& holders = holders_of(matrix);
  const bool is_owner = matrix.owner == holders.rank();
  if (!matrix.range->is_shared())
    return {.whole = matrix.mine->gradient.reshape(matrix.parameter->shape), .work = {}};
  if (!is_owner)
    return {.whole = {},
            .work = matrix.mine ? holders.exchange({{matrix.owner, matrix.mine->gradient}}, {}).sent
                                : Work()};
  const Tensor like = matrix.range->kept_gradients;
  const Tensor whole = Tensor::empty(matrix.parameter->shape, like.dtype(), like.device());
  std::vector<Parcel> receives;
  for (int rank = 0; rank < holders.size(); ++rank) {
    const FlatRange part = part_of_rank(matrix, rank);
    if (part.size() <= 0) continue;
    const Tensor room = whole.flat_view(part.begin, {part.size()});
    if (rank == holders.rank())
      room.copy_from(matrix.mine->gradient);
    else
      receives.push_back({rank, room});
  }
  return {.whole = whole, .work = holders.exchange({}, receives).received};
}

Work MatrixSteps::give_back(const Matrix& matrix, const Direction& direction) const {
  Group& holders = holders_of(matrix);
  if (!matrix.range->is_shared()) return holders.broadcast(direction.whole, matrix.owner);
  if (matrix.owner != holders.rank())
    return matrix.mine ? holders.exchange({}, {{matrix.owner, matrix.mine->gradient}}).received
                       : Work();
  std::vector<Parcel> sends;
  for (int rank = 0; rank < holders.size(); ++rank) {
    const FlatRange part = part_of_rank(matrix, rank);
    if (part.size() <= 0) continue;
    const Tensor from = direction.whole.flat_view(part.begin, {part.size()});
    if (rank == holders.rank())
      matrix.mine->gradient.copy_from(from);
    else
      sends.push_back({rank, from});
  }
  return holders.exchange(sends, {}).sent;
}

// Of a matrix that tensor ranks share the owner's tensor group puts the parts together; its ranks
// own the same matrices.
Tensor MatrixSteps::orthogonal(const Tensor& direction, const Parameter& parameter) const {
  if (parameter.split.parts == 1) return orthogonalize(direction);
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
  const Tensor all = orthogonalize(whole.to(direction.device())).to(Device::kCpu);
  const Tensor mine = Tensor::empty(direction.shape(), direction.dtype());
  gather(all, parameter.slice(), mine);
  return mine.to(direction.device());
}

// Each rank makes its share of the directions orthogonal while those of the others arrive.
void MatrixSteps::step(double learning_rate, double scale, double average_weight) const {
  std::vector<Direction> directions;
  for (const Matrix& matrix : matrices_) {
    if (matrix.mine)
      muon_momentum(matrix.mine->momentum, matrix.mine->gradient, options_.momentum, scale);
    directions.push_back(collect(matrix));
  }
  for (std::size_t i = 0; i < matrices_.size(); ++i) {
    const Matrix& matrix = matrices_[i];
    directions[i].work.wait();
    if (matrix.owner == holders_of(matrix).rank())
      directions[i].whole = orthogonal(directions[i].whole, *matrix.parameter);
    directions[i].work = give_back(matrix, directions[i]);
  }
  for (std::size_t i = 0; i < matrices_.size(); ++i) {
    const auto& [parameter, range, mine, owner] = matrices_[i];
    directions[i].work.wait();
    if (!mine) continue;
    descend({.master = mine->master,
             .direction = range->is_shared() ? mine->gradient
                                             : directions[i].whole.reshape(mine->gradient.shape()),
             .average = mine->average,
             .compute = mine->compute},
            {.learning_rate = learning_rate,
             .weight_decay = parameter->spec.decay ? options_.weight_decay : 0.0,
             .extent = std::max(parameter->spec.shape[0], parameter->spec.shape[1]),
             .average_weight = average_weight});
  }
}

}  // namespace muybridge
