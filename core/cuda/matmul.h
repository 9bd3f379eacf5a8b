#pragma once

#include "core/ops/product/matmul.h"

namespace muybridge::cuda {

// The CUDA side of muybridge::matmul, with cuBLASLt; shapes are checked by the caller.
void matmul(const Tensor& a, const Tensor& b, const Tensor& c, const MatmulOptions& options);

}  // namespace muybridge::cuda
