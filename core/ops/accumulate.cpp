#include "core/ops/accumulate.h"

#include <type_traits>

#include "core/launch.h"
#include "core/ops/accumulate_functor.h"

namespace muybridge {

void accumulate(const Tensor& target, const Tensor& source) {
  require_shape("accumulate", "source", source, target.shape());
  dispatch_float(target.dtype(), "accumulate", [&]<class T>() {
    dispatch_float(source.dtype(), "accumulate", [&]<class S>() {
      for_elements(target.device(), target.numel(),
                   functor::Accumulate<T, S>{target.data<T>(), source.data<S>()});
    });
  });
}

void cast(const Tensor& source, const Tensor& target) {
  require_shape("cast", "source", source, target.shape());
  dispatch_float(target.dtype(), "cast", [&]<class T>() {
    dispatch_float(source.dtype(), "cast", [&]<class S>() {
      if constexpr (std::is_same_v<T, S>)
        target.copy_from(source);
      else
        for_elements(target.device(), target.numel(),
                     functor::Cast<T, S>{source.data<S>(), target.data<T>()});
    });
  });
}

void scale_in_place(const Tensor& x, double factor) {
  dispatch_float(x.dtype(), "scale", [&]<class T>() {
    for_elements(x.device(), x.numel(),
                 functor::Scale<T>{x.data<T>(), static_cast<Accumulator<T>>(factor)});
  });
}

void blend(double a, const Tensor& x, double b, const Tensor& y) {
  require_same_kind("blend", {&x, &y});
  require_shape("blend", "x", x, y.shape());
  dispatch_float(y.dtype(), "blend", [&]<class T>() {
    using A = Accumulator<T>;
    for_elements(y.device(), y.numel(),
                 functor::Blend<T>{static_cast<A>(a), x.data<T>(), static_cast<A>(b), y.data<T>()});
  });
}

double sum_of_squares(const Tensor& x) { return sum_of_squares(std::span(&x, 1)); }

double sum_of_squares(std::span<const Tensor> tensors) {
  if (tensors.empty()) return 0;
  constexpr std::int64_t kRow = 1024;
  const Device device = tensors.front().device();
  const Tensor totals = Tensor::empty({std::ssize(tensors)}, DType::kF64, device);
  double* out = totals.data<double>();
  for (const Tensor& x : tensors) {
    const std::int32_t offsets[] = {0, static_cast<std::int32_t>((x.numel() + kRow - 1) / kRow)};
    dispatch_float(x.dtype(), "sum_of_squares", [&]<class T>() {
      for_rows_sum(device, offsets, 1, functor::SumOfSquares<T>{x.data<T>(), x.numel(), kRow},
                   out++);
    });
  }
  double sum = 0;
  for (const double each : totals.to(Device::kCpu).to_vector<double>()) sum += each;
  return sum;
}

Tensor column_sums(const Tensor& x) {
  const std::int64_t width = x.shape().back();
  const Tensor sums = Tensor::empty({width}, accumulator_of(x.dtype()), x.device());
  const std::int32_t offsets[] = {0, static_cast<std::int32_t>(x.shape().rows())};
  dispatch_float(x.dtype(), "column_sums", [&]<class T>() {
    for_rows_sum(x.device(), offsets, width, functor::ColumnSum<T>{x.data<T>(), width},
                 sums.data<Accumulator<T>>());
  });
  return sums;
}

}  // namespace muybridge
