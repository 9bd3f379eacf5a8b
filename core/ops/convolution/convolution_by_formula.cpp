#include "core/launch.h"
#include "core/ops/convolution/convolution_functor.h"
#include "core/ops/convolution/convolution_parts.h"

namespace muybridge {

void convolution_forward_by_formula(const ConvolutionShape& shape, const Tensor& x,
                                    const Tensor& weight, const Tensor& bias, const Tensor& y) {
  dispatch_float(x.dtype(), "convolution", [&]<class T>() {
    for_elements(y.device(), y.numel(),
                 functor::ConvolutionForward<T>{
                     functor::ConvolutionWalk(shape), x.data<T>(), weight.data<T>(),
                     bias.defined() ? bias.data<T>() : nullptr, y.data<T>()});
  });
}

void convolution_input_gradient_by_formula(const ConvolutionShape& shape, const Tensor& dy,
                                           const Tensor& weight, const Tensor& dx) {
  dispatch_float(dy.dtype(), "convolution", [&]<class T>() {
    for_elements(dx.device(), dx.numel(),
                 functor::ConvolutionInputGradient<T>{functor::ConvolutionWalk(shape), dy.data<T>(),
                                                      weight.data<T>(), dx.data<T>()});
  });
}

void convolution_weight_gradient_by_formula(const ConvolutionShape& shape, const Tensor& x,
                                            const Tensor& dy, const Tensor& dweight) {
  dispatch_float(x.dtype(), "convolution", [&]<class T>() {
    for_elements(dweight.device(), dweight.numel(),
                 functor::ConvolutionWeightGradient<T>{functor::ConvolutionWalk(shape), x.data<T>(),
                                                       dy.data<T>(), dweight.data<T>()});
  });
}

}  // namespace muybridge
