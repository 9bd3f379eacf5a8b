#include "core/ops/product/linear.h"

#include <stdexcept>

#include "core/launch.h"
#include "core/ops/accumulate.h"
#include "core/ops/activation_functor.h"
#include "core/ops/product/matmul.h"

namespace muybridge {

Tensor as_matrix(const Tensor& x) { return x.reshape({x.shape().rows(), x.shape().back()}); }

Shape shape_of_linear(const Var& x, const Var& weight) {
  const Shape &sx = x.shape(), &sw = weight.shape();
  if (sw.rank() != 2 || sx.rank() == 0 || sx.back() != sw[1])
    throw std::invalid_argument(
        fmt::format("linear: x is {}, weight is {}; last dimensions must match", sx, sw));
  std::vector<std::int64_t> extents(sx.extents().begin(), sx.extents().end());
  extents.back() = sw[0];
  return Shape(extents);
}

Var linear(const Var& x, const Var& weight, const Var& bias, Rounding rounding) {
  const DType operands = x.value().dtype();
  const DType result = rounding == Rounding::kNone ? accumulator_of(operands) : operands;
  const Tensor y = Tensor::empty(shape_of_linear(x, weight), result, x.value().device());
  matmul(as_matrix(x.value()), weight.value(), as_matrix(y),
         {.b = Trans::kYes, .bias = bias.defined() ? bias.value() : Tensor{}});
  std::vector<Var> inputs{x, weight};
  if (bias.defined()) inputs.push_back(bias);
  const auto to_input = [operands](Inputs in, const Tensor& dy) {
    if (!in[0].requires_grad()) return;
    const GradSink sink = in[0].grad_sink();
    matmul(as_matrix(dy.to(operands)), in[1].value(), as_matrix(sink.target),
           {.accumulate = sink.accumulate});
  };
  const auto to_weights = [operands](Inputs in, const Tensor& dy) {
    if (in[1].requires_grad()) {
      const GradSink sink = in[1].grad_sink();
      matmul(as_matrix(dy.to(operands)), as_matrix(in[0].value()), sink.target,
             {.a = Trans::kYes, .accumulate = sink.accumulate});
    }
    if (in.size() > 2 && in[2].requires_grad()) in[2].add_grad(column_sums(as_matrix(dy)));
  };
  return Var::op(y, std::move(inputs), to_input, Dy::kOfValueType, {.first = 1, .run = to_weights});
}

Var add_bias(const Var& x, const Var& bias) {
  const std::int64_t width = x.shape().back();
  require_shape("add_bias", "bias", bias.value(), {width});
  require_same_kind("add_bias", {&x.value(), &bias.value()});
  const Tensor y = Tensor::empty(x.shape(), x.value().dtype(), x.value().device());
  dispatch_float(y.dtype(), "add_bias", [&]<class T>() {
    for_rows(
        y.device(), x.shape().rows(), width,
        functor::AddBias<T, T>{x.value().data<T>(), bias.value().data<T>(), width, y.data<T>()});
  });
  const auto grad = [](Inputs in, const Tensor& dy) {
    in[0].add_grad(dy);
    if (in[1].requires_grad()) in[1].add_grad(column_sums(as_matrix(dy)));
  };
  return Var::op(y, {x.without_value(), bias}, grad, Dy::kAsSummed);
}

}  // namespace muybridge
