#include "core/parameters.h"

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "core/parallel_for.h"
#include "core/random.h"

namespace muybridge {
namespace {

constexpr std::int64_t kAlignment = 16;

// Gram and Schmidt, twice for accuracy, over rows of the wide form.
template <class T>
void fill_orthonormal(const RandomStream& stream, const Shape& shape, T* out) {
  const std::int64_t vectors = std::min(shape[0], shape[1]), length = std::max(shape[0], shape[1]);
  std::vector<double> rows(static_cast<std::size_t>(vectors * length));
  for (std::int64_t v = 0; v < vectors; ++v) {
    double* const row = rows.data() + v * length;
    for (std::int64_t i = 0; i < length; ++i)
      row[i] = stream.normal(static_cast<std::uint64_t>(v * length + i));
    for (int pass = 0; pass < 2; ++pass)
      for (std::int64_t u = 0; u < v; ++u) {
        const double* const other = rows.data() + u * length;
        const double dot = std::inner_product(row, row + length, other, 0.0);
        for (std::int64_t i = 0; i < length; ++i) row[i] -= dot * other[i];
      }
    const double norm = std::sqrt(std::inner_product(row, row + length, row, 0.0));
    for (std::int64_t i = 0; i < length; ++i) row[i] /= norm;
  }
  const bool tall = shape[0] > shape[1];
  for (std::int64_t v = 0; v < vectors; ++v)
    for (std::int64_t i = 0; i < length; ++i)
      out[tall ? i * vectors + v : v * length + i] = static_cast<T>(rows[v * length + i]);
}

template <class T>
void fill(const ParameterSpec& spec, const RandomStream& stream, T* out) {
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
        case Init::kOrthonormal:
          break;
      }
    }
  });
}

template <class T>
void initialise(const ParameterSpec& spec, std::uint64_t seed, T* out) {
  const RandomStream stream(seed, Purpose::kInit,
                            hash_name(spec.key.empty() ? spec.name : spec.key));
  if (!spec.values.empty()) {
    std::copy(spec.values.begin(), spec.values.end(), out);
    return;
  }
  if (spec.init == Init::kOrthonormal) return fill_orthonormal(stream, spec.shape, out);
  fill(spec, stream, out);
  for (const std::int64_t row : spec.one_rows)
    std::fill_n(out + row * spec.shape.back(), spec.shape.back(), T{1});
}

}  // namespace

Var Parameters::add(ParameterSpec spec) {
  if (find(spec.name))
    throw std::invalid_argument(fmt::format("parameter '{}' is added twice", spec.name));
  if (spec.init == Init::kOrthonormal && spec.shape.rank() != 2)
    throw std::invalid_argument(
        fmt::format("parameter '{}' is {}; orthonormal needs a matrix", spec.name, spec.shape));
  if (!spec.values.empty() && static_cast<std::int64_t>(spec.values.size()) != spec.shape.numel())
    throw std::invalid_argument(fmt::format("parameter '{}' is {} and starts from {} values",
                                            spec.name, spec.shape, spec.values.size()));
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

void Parameters::round_to_compute(std::int64_t begin, std::int64_t count) const {
  if (compute_.dtype() == master_.dtype()) return;
  compute_.rows(begin, count).copy_from(master_.rows(begin, count).to(compute_.dtype()));
}

}  // namespace muybridge
