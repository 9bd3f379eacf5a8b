#pragma once

#include "core/ops/convolution/convolution_parts.h"

namespace muybridge::cuda {

// The CUDA side of core/ops/convolution, f32 and bf16, with cuDNN, or by the formula where it has
// no kernel, which a warning says once; shapes are checked by the caller.
void convolution_forward(const ConvolutionShape& shape, const Tensor& x, const Tensor& weight,
                         const Tensor& bias, const Tensor& y);
void convolution_input_gradient(const ConvolutionShape& shape, const Tensor& dy,
                                const Tensor& weight, const Tensor& dx);
void convolution_weight_gradient(const ConvolutionShape& shape, const Tensor& x, const Tensor& dy,
                                 const Tensor& dweight);

}  // namespace muybridge::cuda
