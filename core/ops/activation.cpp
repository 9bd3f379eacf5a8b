#include "core/ops/activation.h"

#include <stdexcept>
#include <vector>

#include "core/launch.h"
#include "core/ops/activation_functor.h"

namespace muybridge {

Var silu(const Var& x) {
  const Tensor& value = x.value();
  const Tensor y = Tensor::empty(value.shape(), value.dtype(), value.device());
  dispatch_float(value.dtype(), "silu", [&]<class T>() {
    for_elements(value.device(), value.numel(), functor::Silu<T>{value.data<T>(), y.data<T>()});
  });
  return Var::op(y, {x}, [](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::empty(dy.shape(), dy.dtype(), dy.device());
    dispatch_float(dy.dtype(), "silu", [&]<class T>() {
      for_elements(dy.device(), dy.numel(),
                   functor::SiluGrad<T>{in[0].value().data<T>(), dy.data<T>(), dx.data<T>()});
    });
    in[0].add_grad(dx);
  });
}

Var bias_gelu(const Var& x, const Var& bias) {
  const Tensor& value = x.value();
  const std::int64_t width = value.shape().back(), rows = value.shape().rows();
  require_shape("bias_gelu", "bias", bias.value(), {width});
  require_same_kind("bias_gelu", {&value, &bias.value()});
  const Tensor y = Tensor::empty(value.shape(), value.dtype(), value.device());
  dispatch_float(value.dtype(), "bias_gelu", [&]<class T>() {
    for_rows(value.device(), rows, width,
             functor::BiasGelu<T>{value.data<T>(), bias.value().data<T>(), width, y.data<T>()});
  });
  return Var::op(y, {x, bias}, [rows, width](Inputs in, const Tensor& dy) {
    const Tensor dx = Tensor::empty(dy.shape(), dy.dtype(), dy.device());
    const Tensor sums = Tensor::empty({width}, accumulator_of(dy.dtype()), dy.device());
    const std::int32_t offsets[] = {0, static_cast<std::int32_t>(rows)};
    dispatch_float(dy.dtype(), "bias_gelu", [&]<class T>() {
      for_rows_sum(dy.device(), offsets, width,
                   functor::BiasGeluGrad<T>{in[0].value().data<T>(), in[1].value().data<T>(),
                                            dy.data<T>(), width, dx.data<T>()},
                   sums.data<Accumulator<T>>());
    });
    in[0].add_grad(dx);
    in[1].add_grad(sums);
  });
}

Var gated_gelu(const Var& x) {
  const Tensor& value = x.value();
  if (value.shape().rank() == 0 || value.shape().back() % 2 != 0)
    throw std::invalid_argument(
        fmt::format("gated_gelu: x is {}; [.., 2 D] expected", value.shape()));
  const std::int64_t width = value.shape().back() / 2, rows = value.shape().rows();
  std::vector<std::int64_t> extents(value.shape().extents().begin(), value.shape().extents().end());
  extents.back() = width;
  const Tensor y = Tensor::empty(Shape(extents), value.dtype(), value.device());
  dispatch_float(value.dtype(), "gated_gelu", [&]<class T>() {
    for_rows(value.device(), rows, width,
             functor::GatedGelu<T>{value.data<T>(), width, y.data<T>()});
  });
  return Var::op(y, {x}, [rows, width](Inputs in, const Tensor& dy) {
    const Tensor& input = in[0].value();
    const Tensor dx = Tensor::empty(input.shape(), dy.dtype(), dy.device());
    dispatch_float(dy.dtype(), "gated_gelu", [&]<class T>() {
      for_elements(dy.device(), rows * width,
                   functor::GatedGeluGrad<T>{input.data<T>(), dy.data<T>(), width, dx.data<T>()});
    });
    in[0].add_grad(dx);
  });
}

}  // namespace muybridge
