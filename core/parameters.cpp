#include "core/parameters.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <tuple>

#include "core/ops/accumulate.h"

namespace muybridge {
namespace {

constexpr std::int64_t kAlignment = 16;  // elements

std::int64_t round_up(std::int64_t elements, std::int64_t step) {
  return (elements + step - 1) / step * step;
}

std::int64_t room_of(const Parameter& parameter) {
  return round_up(parameter.shape.numel(), kAlignment);
}

// What a parameter takes in the flat tensors.
std::int64_t flat_room_of(const Parameter& parameter) {
  return parameter.frozen ? 0 : room_of(parameter);
}

}  // namespace

Var Parameters::add(ParameterSpec spec) {
  if (find(spec.name))
    throw std::invalid_argument(fmt::format("parameter '{}' is added twice", spec.name));
  require_fit(spec.init, spec.name, spec.shape);
  Parameter parameter{.spec = std::move(spec),
                      .split = {},
                      .shape = {},
                      .var = Var::leaf({}, {}, static_cast<std::int64_t>(list_.size()))};
  parameter.shape = parameter.spec.shape;
  flat_size_ += flat_room_of(parameter);
  list_.push_back(std::move(parameter));
  return list_.back().var;
}

void Parameters::place(const Var& var, const Split& split, int copies) {
  if (master_.defined()) throw std::logic_error("parameters: placed after they were allocated");
  Parameter& parameter = list_[static_cast<std::size_t>(var.tag())];
  flat_size_ -= flat_room_of(parameter);
  parameter.shape = share_shape(parameter.spec.shape, split);
  parameter.split = split;
  parameter.copies = copies;
  flat_size_ += flat_room_of(parameter);
}

void Parameters::set_unit(const Var& var, int unit) {
  list_[static_cast<std::size_t>(var.tag())].unit = unit;
}

void Parameters::freeze(const Var& var) {
  if (master_.defined()) throw std::logic_error("parameters: frozen after they were allocated");
  Parameter& parameter = list_[static_cast<std::size_t>(var.tag())];
  flat_size_ -= flat_room_of(parameter);
  parameter.frozen = true;
  parameter.offset = -1;
  parameter.var.freeze();
}

void Parameters::freeze() {
  for (const Parameter& parameter : list_) freeze(parameter.var);
}

// Places and ranges. What is there all the time comes first where units come and go.
void Parameters::lay_out(const SharingPlan& plan) {
  const bool apart = sharing_ != Sharing::kNothing;
  const bool two_types = value_type_ != accumulator_of(value_type_);
  const auto key = [&](const Parameter& parameter) {
    return apart ? std::tuple(parameter.unit, parameter.copies, two_types && parameter.spec.wide)
                 : std::tuple(-1, parameter.copies, false);
  };
  std::vector<Parameter*> order;
  for (Parameter& parameter : list_)
    if (!parameter.frozen) order.push_back(&parameter);
  std::ranges::stable_sort(order, {}, [&](const Parameter* each) { return key(*each); });
  ranges_.clear();
  std::int64_t offset = 0, state = 0;
  for (auto first = order.begin(); first != order.end();) {
    const auto next = std::find_if(first, order.end(), [&](const Parameter* parameter) {
      return key(*parameter) != key(**first);
    });
    ParameterRange range{.begin = offset, .kept = {}, .state = state};
    std::tie(range.unit, range.copies, range.wide) = key(**first);
    for (; first != next; ++first) {
      (*first)->offset = offset;
      offset += room_of(**first);
    }
    const auto [part, parts] = apart ? plan.share(range.copies) : SharingPlan::Share();
    range.count = round_up(offset - range.begin, kAlignment * parts);
    const std::int64_t kept = range.count / parts;
    range.kept = {range.begin + part * kept, range.begin + (part + 1) * kept};
    offset = range.begin + range.count;
    state += kept;
    ranges_.push_back(std::move(range));
  }
  flat_size_ = offset;
}

void Parameters::draw(std::uint64_t seed, const Tensor& master) const {
  dispatch_accumulator(master.dtype(), "parameters", [&]<class A>() {
    for (const Parameter& parameter : list_) {
      if (parameter.frozen) continue;
      const ParameterSpec& spec = parameter.spec;
      const ParameterRange& range = range_of(parameter);
      const std::int64_t begin = std::max(range.kept.begin, parameter.offset);
      const std::int64_t end = std::min(range.kept.end, parameter.offset + parameter.shape.numel());
      if (begin >= end) continue;
      std::int64_t place = range.state + begin - range.kept.begin;
      for (const Slice& slice : part_of(parameter.slice(), begin - parameter.offset, end - begin)) {
        initialise(spec.init, spec.name, spec.shape, seed, slice,
                   master.rows(place, slice.numel()).span<A>());
        place += slice.numel();
      }
    }
  });
}

void Parameters::place_values() {
  if (sharing_ == Sharing::kNothing) {
    compute_ = master_.to(value_type_);
    for (ParameterRange& range : ranges_)
      if (compute_.dtype() != master_.dtype())
        range.kept_values = compute_.rows(range.begin, range.count);
    return;
  }
  for (ParameterRange& range : ranges_) {
    if (range.unit >= 0 && sharing_ >= Sharing::kValues) continue;
    range.values =
        Tensor::zeros({range.count}, range.wide ? master_.dtype() : value_type_, master_.device());
    range.kept_values = range.kept_of(range.values);
  }
  round_to_values(master_);
}

void Parameters::place_gradients() {
  const DType wide = master_.dtype();
  if (sharing_ < Sharing::kGradients)
    gradients_ = Tensor::zeros({flat_size_}, wide, master_.device());
  for (ParameterRange& range : ranges_) {
    if (gradients_.defined())
      range.gradients = gradients_.rows(range.begin, range.count);
    else if (range.unit < 0)
      range.gradients = Tensor::zeros({range.count}, wide, master_.device());
    range.kept_gradients = range.gradients.defined()
                               ? range.kept_of(range.gradients)
                               : Tensor::zeros({range.kept.size()}, wide, master_.device());
  }
}

void Parameters::allocate(DType compute, std::uint64_t seed, Device device,
                          const SharingPlan& plan) {
  sharing_ = plan.what;
  value_type_ = compute;
  lay_out(plan);
  const std::int64_t state =
      ranges_.empty() ? 0 : ranges_.back().state + ranges_.back().kept.size();
  const Tensor master = Tensor::zeros({state}, accumulator_of(compute));
  draw(seed, master);
  master_ = master.to(device);
  place_values();
  place_gradients();
  place_frozen(device);
  for (const Parameter& parameter : list_) {
    if (parameter.frozen) continue;
    const ParameterRange& range = range_of(parameter);
    const auto part = [&](const Tensor& of_range) {
      return of_range.defined()
                 ? of_range.flat_view(parameter.offset - range.begin, parameter.shape)
                 : Tensor();
    };
    const Tensor value = sharing_ != Sharing::kNothing
                             ? part(range.values)
                             : slice(parameter.spec.wide ? master_ : compute_, parameter);
    parameter.var.bind(value, part(range.gradients));
  }
}

void Parameters::place_frozen(Device device) {
  const auto type_of = [&](const Parameter& parameter) {
    return parameter.spec.wide ? master_.dtype() : value_type_;
  };
  for (const DType dtype : std::set{value_type_, master_.dtype()}) {
    std::vector<const Parameter*> frozen;
    std::int64_t size = 0;
    for (const Parameter& parameter : list_) {
      if (!parameter.frozen || type_of(parameter) != dtype) continue;
      frozen.push_back(&parameter);
      size += room_of(parameter);
    }
    const Tensor values = Tensor::zeros({size}, dtype, device);
    std::int64_t begin = 0;
    for (const Parameter* parameter : frozen) {
      parameter->var.bind(values.flat_view(begin, parameter->shape), {});
      begin += room_of(*parameter);
    }
  }
}

const ParameterRange& Parameters::range_of(const Parameter& parameter) const {
  if (parameter.frozen)
    throw std::logic_error("parameters: '" + parameter.spec.name +
                           "' is frozen: it is of no range");
  const auto after =
      std::ranges::upper_bound(ranges_, parameter.offset, {}, &ParameterRange::begin);
  return *(after - 1);
}

FlatRanges Parameters::held() const {
  FlatRanges held;
  for (const ParameterRange& range : ranges_) held.push_back(range.kept);
  return held;
}

const Parameter* Parameters::find(const std::string& name) const {
  for (const Parameter& parameter : list_)
    if (parameter.spec.name == name) return &parameter;
  return nullptr;
}

std::int64_t Parameters::count() const {
  std::int64_t total = 0;
  for (const Parameter& parameter : list_) total += parameter.spec.shape.numel();
  return total;
}

std::int64_t Parameters::held_count() const {
  std::int64_t total = 0;
  for (const Parameter& parameter : list_) total += parameter.shape.numel();
  return total;
}

Tensor Parameters::slice(const Tensor& flat, const Parameter& parameter) const {
  return flat.flat_view(parameter.offset, parameter.shape);
}

void Parameters::fill(const Parameter& parameter, const Tensor& values) const {
  const Tensor& value = parameter.var.value();
  if (!parameter.frozen && sharing_ != Sharing::kNothing)
    throw std::logic_error("parameters: filled where their state is shared");
  if (!parameter.frozen)
    slice(master_, parameter).copy_from(values.to(master_.dtype()).to(master_.device()));
  value.copy_from(values.to(value.dtype()).to(value.device()));
}

void Parameters::zero_gradients() const {
  for (const ParameterRange& range : ranges_)
    (range.gradients.defined() ? range.gradients : range.kept_gradients).fill_zero();
}

void Parameters::round_to_values(const Tensor& state) const {
  for (const ParameterRange& range : ranges_)
    if (range.kept_values.defined()) cast(range.state_of(state), range.kept_values);
}

}  // namespace muybridge
