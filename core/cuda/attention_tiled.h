#pragma once

#include "core/ops/attention/attention_kernel.h"

namespace muybridge::cuda {

// Attention of the types and head widths that cuDNN's is not asked for: tiles of 16 queries and 16
// keys in shared memory, a running softmax forward, scores made again backward (Dao et al. 2022).
// The contracts of attention_forward and attention_backward of core, but for slack, which stays as
// it is; sums have a fixed order. Throws Error(kUsage) where a head is too wide for a block's
// shared memory.
void tiled_attention_forward(const AttentionShape& shape, const HeadColumns& q,
                             const HeadColumns& k, const HeadColumns& v, const Tensor& out,
                             const Tensor& log_sum_exp);
void tiled_attention_backward(const AttentionShape& shape, const HeadColumns& q,
                              const HeadColumns& k, const HeadColumns& v, const Tensor& out,
                              const Tensor& log_sum_exp, const Tensor& dout,
                              const AttentionGradients& gradients);
// As cpu::relative_attention, but for slack.
void tiled_relative_attention(const AttentionShape& shape, const HeadColumns& q,
                              const HeadColumns& k, const HeadColumns& v, const Tensor& bias,
                              const Tensor& out);

}  // namespace muybridge::cuda
