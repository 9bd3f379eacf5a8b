#include "core/ops/loss.h"

#include "core/launch.h"
#include "core/ops/loss_functor.h"

namespace muybridge {

SquaredErrorResult squared_error(const Var& prediction, const Tensor& target,
                                 std::span<const std::int32_t> offsets, double scale) {
  const Tensor& value = prediction.value();
  require_shape("squared_error", "target", target, value.shape());
  const std::int64_t width = value.shape().back(), used = offsets.back();
  const std::int64_t clips = static_cast<std::int64_t>(offsets.size()) - 1;
  const Tensor per_clip = Tensor::empty({clips}, DType::kF64, value.device());
  dispatch_float(value.dtype(), "squared_error", [&]<class T>() {
    for_rows_sum(value.device(), offsets, 1,
                 functor::SquaredError<T>{value.data<T>(), target.data<Accumulator<T>>(), width},
                 per_clip.data<double>());
  });
  double total = 0;
  for (const double clip : per_clip.to_vector<double>()) total += clip;
  const Tensor loss = Tensor::full({1}, total * scale, target.dtype()).to(value.device());
  Var result = Var::op(loss, {prediction}, [=](Inputs in, const Tensor& dy) {
    const Tensor& p = in[0].value();
    const Tensor grad = Tensor::empty(p.shape(), p.dtype(), p.device());
    grad.rows(used, p.shape()[0] - used).fill_zero();
    dispatch_float(p.dtype(), "squared_error", [&]<class T>() {
      using A = Accumulator<T>;
      for_elements(p.device(), used * width,
                   functor::SquaredErrorGrad<T>{p.data<T>(), target.data<A>(), dy.data<A>(),
                                                static_cast<A>(2 * scale), grad.data<T>()});
    });
    in[0].add_grad(grad);
  });
  return {std::move(result), per_clip};
}

}  // namespace muybridge
