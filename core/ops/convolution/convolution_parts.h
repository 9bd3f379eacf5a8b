#pragma once

#include "core/ops/convolution/convolution_shape.h"
#include "core/tensor.h"

// The three products of a convolution, of one type (f32, bf16, f64) but for what is said; sums are
// f32 (f64 for f64), and every element of a result is written. oneDNN on the CPU, for bf16 in f32
// where the CPU has no AVX-512; cuDNN on CUDA (core/cuda/convolution.h). In f64 the formula does
// it. Throw std::invalid_argument where tensors are not of the shape or not of one kind.
namespace muybridge {

// bias [K], of the others' type; may be undefined.
void convolution_forward(const ConvolutionShape& shape, const Tensor& x, const Tensor& weight,
                         const Tensor& bias, const Tensor& y);
void convolution_input_gradient(const ConvolutionShape& shape, const Tensor& dy,
                                const Tensor& weight, const Tensor& dx);
void convolution_weight_gradient(const ConvolutionShape& shape, const Tensor& x, const Tensor& dy,
                                 const Tensor& dweight);

// The same by the formula (convolution_functor.h), on any device.
void convolution_forward_by_formula(const ConvolutionShape& shape, const Tensor& x,
                                    const Tensor& weight, const Tensor& bias, const Tensor& y);
void convolution_input_gradient_by_formula(const ConvolutionShape& shape, const Tensor& dy,
                                           const Tensor& weight, const Tensor& dx);
void convolution_weight_gradient_by_formula(const ConvolutionShape& shape, const Tensor& x,
                                            const Tensor& dy, const Tensor& dweight);

}  // namespace muybridge
