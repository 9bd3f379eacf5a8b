#include "core/parameters.h"

#include <stdexcept>

#include "core/parallel_for.h"
#include "core/random.h"

namespace muybridge {
namespace {

constexpr std::int64_t kAlignment = 16;

template <class T>
void initialise(const ParameterSpec& spec, std::uint64_t seed, T* out) {
  const RandomStream stream(seed, Purpose::kInit, hash_name(spec.name));
  const std::int64_t count = spec.shape.numel();
  parallel_for(count, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      switch (spec.init) {
        case Init::kZeros:
          out[i] = 0;
          break;
        case Init::kOnes:
          out[i] = 1;
          break;
        case Init::kNormal:
          out[i] = spec.scale * stream.normal(static_cast<std::uint64_t>(i));
          break;
        case Init::kUniform:
          out[i] = spec.scale * (2 * stream.uniform(static_cast<std::uint64_t>(i)) - 1);
          break;
      }
    }
  });
}

}  // namespace

Var Parameters::add(ParameterSpec spec) {
  if (find(spec.name))
    throw std::invalid_argument(fmt::format("parameter '{}' is added twice", spec.name));
  Parameter parameter{.spec = std::move(spec),
                      .offset = flat_size_,
                      .var = Var::leaf({}, {}, static_cast<std::int64_t>(list_.size()))};
  const std::int64_t elements = parameter.spec.shape.numel();
  flat_size_ += (elements + kAlignment - 1) / kAlignment * kAlignment;
  list_.push_back(std::move(parameter));
  return list_.back().var;
}

void Parameters::allocate(DType compute, std::uint64_t seed, Device device) {
  const DType wide = compute == DType::kF64 ? DType::kF64 : DType::kF32;
  Tensor master = Tensor::zeros({flat_size_}, wide);
  for (const Parameter& parameter : list_) {
    if (wide == DType::kF64)
      initialise(parameter.spec, seed, master.data<double>() + parameter.offset);
    else
      initialise(parameter.spec, seed, master.data<float>() + parameter.offset);
  }
  master_ = master.to(device);
  compute_ = master_.to(compute);
  gradients_ = Tensor::zeros({flat_size_}, wide, device);
  for (const Parameter& parameter : list_)
    parameter.var.bind(slice(compute_, parameter), slice(gradients_, parameter));
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

void Parameters::publish(std::int64_t begin, std::int64_t count) const {
  if (compute_.dtype() == master_.dtype()) return;
  compute_.rows(begin, count).copy_from(master_.rows(begin, count).to(compute_.dtype()));
}

}  // namespace muybridge
