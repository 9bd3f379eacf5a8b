#include "core/parameters.h"

#include <stdexcept>

#include "core/ops/accumulate.h"

namespace muybridge {
namespace {

constexpr std::int64_t kAlignment = 16;

}  // namespace

Var Parameters::add(ParameterSpec spec) {
  if (find(spec.name))
    throw std::invalid_argument(fmt::format("parameter '{}' is added twice", spec.name));
  require_fit(spec.init, spec.name, spec.shape);
  Parameter parameter{.spec = std::move(spec),
                      .offset = flat_size_,
                      .var = Var::leaf({}, {}, static_cast<std::int64_t>(list_.size()))};
  const std::int64_t elements = parameter.spec.shape.numel();
  flat_size_ += (elements + kAlignment - 1) / kAlignment * kAlignment;
  list_.push_back(std::move(parameter));
  return list_.back().var;
}

void Parameters::allocate(DType compute, std::uint64_t seed, Device device) {
  const DType wide = accumulator_of(compute);
  const Tensor master = Tensor::zeros({flat_size_}, wide);
  dispatch_accumulator(wide, "parameters", [&]<class A>() {
    for (const Parameter& parameter : list_) {
      const ParameterSpec& spec = parameter.spec;
      initialise(spec.init, spec.name, spec.shape, seed, 0, slice(master, parameter).span<A>());
    }
  });
  master_ = master.to(device);
  compute_ = master_.to(compute);
  gradients_ = Tensor::zeros({flat_size_}, wide, device);
  for (const Parameter& parameter : list_)
    parameter.var.bind(slice(parameter.spec.wide ? master_ : compute_, parameter),
                       slice(gradients_, parameter));
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
  return flat.flat_view(parameter.offset, parameter.spec.shape);
}

void Parameters::round_to_compute(std::int64_t begin, std::int64_t count) const {
  if (compute_.dtype() == master_.dtype()) return;
  cast(master_.rows(begin, count), compute_.rows(begin, count));
}

}  // namespace muybridge
