#include "core/parameters.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "core/ops/accumulate.h"

namespace muybridge {
namespace {

// What a parameter takes in the flat tensors.
std::int64_t room_of(const Parameter& parameter) {
  constexpr std::int64_t kAlignment = 16;
  return (parameter.shape.numel() + kAlignment - 1) / kAlignment * kAlignment;
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
  flat_size_ += room_of(parameter);
  list_.push_back(std::move(parameter));
  return list_.back().var;
}

void Parameters::place(const Var& var, const Split& split, int copies) {
  if (master_.defined()) throw std::logic_error("parameters: placed after they were allocated");
  Parameter& parameter = list_[static_cast<std::size_t>(var.tag())];
  flat_size_ -= room_of(parameter);
  parameter.shape = share_shape(parameter.spec.shape, split);
  parameter.split = split;
  parameter.copies = copies;
  flat_size_ += room_of(parameter);
}

void Parameters::allocate(DType compute, std::uint64_t seed, Device device) {
  std::vector<Parameter*> order;
  for (Parameter& parameter : list_) order.push_back(&parameter);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->copies < b->copies; });
  std::int64_t offset = 0;
  for (Parameter* parameter : order) {
    parameter->offset = offset;
    offset += room_of(*parameter);
  }
  const DType wide = accumulator_of(compute);
  const Tensor master = Tensor::zeros({flat_size_}, wide);
  dispatch_accumulator(wide, "parameters", [&]<class A>() {
    for (const Parameter& parameter : list_) {
      const ParameterSpec& spec = parameter.spec;
      initialise(spec.init, spec.name, spec.shape, seed, parameter.slice(),
                 slice(master, parameter).span<A>());
    }
  });
  master_ = master.to(device);
  compute_ = master_.to(compute);
  gradients_ = Tensor::zeros({flat_size_}, wide, device);
  for (const Parameter& parameter : list_)
    parameter.var.bind(slice(parameter.spec.wide ? master_ : compute_, parameter),
                       slice(gradients_, parameter));
}

std::vector<CopiesRange> Parameters::ranges() const {
  std::map<int, std::int64_t> room;
  for (const Parameter& parameter : list_) room[parameter.copies] += room_of(parameter);
  std::vector<CopiesRange> ranges;
  std::int64_t begin = 0;
  for (const auto& [copies, count] : room) {
    ranges.push_back({.copies = copies, .begin = begin, .count = count});
    begin += count;
  }
  return ranges;
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

Tensor Parameters::slice(const Tensor& flat, const Parameter& parameter) const {
  return flat.flat_view(parameter.offset, parameter.shape);
}

void Parameters::round_to_compute(std::int64_t begin, std::int64_t count) const {
  if (compute_.dtype() == master_.dtype()) return;
  cast(master_.rows(begin, count), compute_.rows(begin, count));
}

}  // namespace muybridge
