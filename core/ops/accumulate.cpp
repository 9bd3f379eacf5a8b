#include "core/ops/accumulate.h"

#include "core/launch.h"
#include "core/ops/accumulate_functor.h"

namespace muybridge {

void accumulate(const Tensor& target, const Tensor& source) {
  require_shape("accumulate", "source", source, target.shape());
  dispatch_float(target.dtype(), "accumulate", [&](auto target_zero) {
    using T = decltype(target_zero);
    dispatch_float(source.dtype(), "accumulate", [&](auto source_zero) {
      using S = decltype(source_zero);
      for_elements(target.device(), target.numel(),
                   functor::Accumulate<T, S>{target.data<T>(), source.data<S>()});
    });
  });
}

void scale_in_place(const Tensor& x, double factor) {
  dispatch_float(x.dtype(), "scale", [&](auto zero) {
    using T = decltype(zero);
    for_elements(x.device(), x.numel(),
                 functor::Scale<T>{x.data<T>(), static_cast<Accumulator<T>>(factor)});
  });
}

double sum_of_squares(const Tensor& x) {
  constexpr std::int64_t kRow = 1024;
  const Tensor total = Tensor::empty({1}, DType::kF64, x.device());
  const std::int32_t offsets[] = {0, static_cast<std::int32_t>((x.numel() + kRow - 1) / kRow)};
  dispatch_float(x.dtype(), "sum_of_squares", [&](auto zero) {
    using T = decltype(zero);
    for_rows_sum(x.device(), offsets, 1, functor::SumOfSquares<T>{x.data<T>(), x.numel(), kRow},
                 total.data<double>());
  });
  return total.item();
}

}  // namespace muybridge
