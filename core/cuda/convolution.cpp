#include "core/cuda/convolution.h"

#include "core/cuda/convolution_graph.h"
#include "core/cuda/recorder.h"

namespace muybridge::cuda {
namespace {

void record_convolution(const ConvolutionShape& shape, ConvolutionPart part, DType dtype) {
  constexpr const char* kParts[] = {"", ", gradient of x", ", gradient of the weight"};
  const std::int64_t elements = shape.x().numel() + shape.weight().numel() + shape.y().numel();
  record({.kind = Recorded::Kind::kProduct,
          .what = fmt::format("convolution {}{} in {}", to_string(shape),
                              kParts[static_cast<std::int64_t>(part)], name_of(dtype)),
          .calls = 1,
          .bytes = static_cast<double>(elements) * static_cast<double>(size_of(dtype)),
          .operations = shape.operations()});
}

// Whether cuDNN did it.
bool run(ConvolutionPart part, const ConvolutionShape& shape, DType dtype,
         const ConvolutionPointers& pointers) {
  if (recording()) {
    record_convolution(shape, part, dtype);
    return true;
  }
  Context& context = Context::get();
  const std::lock_guard lock(context.mutex());
  const ConvolutionGraph* const graph =
      convolution_graph({.shape = shape,
                         .part = part,
                         .dtype = static_cast<std::int64_t>(dtype),
                         .has_bias = pointers.bias != nullptr},
                        context);
  if (graph) graph->run(context.dnn(), pointers);
  return graph != nullptr;
}

}  // namespace

void convolution_forward(const ConvolutionShape& shape, const Tensor& x, const Tensor& weight,
                         const Tensor& bias, const Tensor& y) {
  if (!run(ConvolutionPart::kForward, shape, x.dtype(),
           {.first = x.raw(),
            .second = weight.raw(),
            .bias = bias.defined() ? bias.raw() : nullptr,
            .result = y.raw()}))
    convolution_forward_by_formula(shape, x, weight, bias, y);
}

void convolution_input_gradient(const ConvolutionShape& shape, const Tensor& dy,
                                const Tensor& weight, const Tensor& dx) {
  if (!run(ConvolutionPart::kInputGradient, shape, dy.dtype(),
           {.first = dy.raw(), .second = weight.raw(), .bias = nullptr, .result = dx.raw()}))
    convolution_input_gradient_by_formula(shape, dy, weight, dx);
}

void convolution_weight_gradient(const ConvolutionShape& shape, const Tensor& x, const Tensor& dy,
                                 const Tensor& dweight) {
  if (!run(ConvolutionPart::kWeightGradient, shape, x.dtype(),
           {.first = x.raw(), .second = dy.raw(), .bias = nullptr, .result = dweight.raw()}))
    convolution_weight_gradient_by_formula(shape, x, dy, dweight);
}

}  // namespace muybridge::cuda
