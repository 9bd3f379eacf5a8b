#pragma once

#include "core/ops/attention/attention_kernel.h"

namespace muybridge::cuda {

// The CUDA side of the functions of the same name in muybridge::cpu, with a cuDNN graph. A clip
// with queries and no keys is not for it. Results in f32 are cuDNN's of bf16, widened, and of
// gradients all columns must be those of heads: this has compiled and never run.
void attention_forward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                       const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp);
void attention_backward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
                        const Tensor& dout, const AttentionGradients& gradients);
// By kernels of ours: heads are at most widest_head() columns wide, else std::invalid_argument.
void relative_attention(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& bias, const Tensor& out);

}  // namespace muybridge::cuda
