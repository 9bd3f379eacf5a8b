#include "core/ops/convolution/convolution.h"

#include "core/ops/accumulate.h"
#include "core/ops/convolution/convolution_parts.h"

namespace muybridge {

Var convolution(const Var& x, const Var& weight, const Var& bias,
                const ConvolutionOptions& options) {
  const ConvolutionShape shape = convolution_shape(x.shape(), weight.shape(), options);
  const Tensor y = Tensor::empty(shape.y(), x.value().dtype(), x.value().device());
  convolution_forward(shape, x.value(), weight.value(), bias.defined() ? bias.value() : Tensor{},
                      y);
  std::vector<Var> inputs{x, weight};
  if (bias.defined()) inputs.push_back(bias);
  const auto to_input = [shape](Inputs in, const Tensor& dy) {
    if (!in[0].requires_grad()) return;
    const Tensor dx = Tensor::empty(shape.x(), dy.dtype(), dy.device());
    convolution_input_gradient(shape, dy, in[1].value(), dx);
    in[0].add_grad(dx);
  };
  const auto to_weights = [shape](Inputs in, const Tensor& dy) {
    if (in[1].requires_grad()) {
      const Tensor dweight = Tensor::empty(shape.weight(), dy.dtype(), dy.device());
      convolution_weight_gradient(shape, in[0].value(), dy, dweight);
      in[1].add_grad(dweight);
    }
    if (in.size() > 2 && in[2].requires_grad())
      in[2].add_grad(column_sums(dy.reshape({dy.numel() / shape.results, shape.results})));
  };
  return Var::op(y, std::move(inputs), to_input, Dy::kOfValueType, {.first = 1, .run = to_weights});
}

}  // namespace muybridge
