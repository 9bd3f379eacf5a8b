#pragma once

#include "core/ops/attention/attention_kernel.h"

namespace muybridge::cuda {

// The CUDA side of the functions of the same name in muybridge::cpu, with a cuDNN graph.
void attention_forward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                       const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp);
void attention_backward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
                        const Tensor& dout, const cpu::AttentionGradients& gradients);

}  // namespace muybridge::cuda
