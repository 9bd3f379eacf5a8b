#pragma once

#include <cstdint>
#include <span>

#include "core/tensor.h"

namespace muybridge {

// Columns [column, column + heads * head_width) of the rows of x.
struct HeadColumns {
  Tensor x;
  std::int64_t column = 0;
};

struct AttentionShape {
  std::int64_t heads;
  std::int64_t head_width;
  std::span<const std::int32_t> query_offsets;  // [clips + 1]
  std::span<const std::int32_t> key_offsets;
};

namespace cpu {

// out [T, D] of q's type; log_sum_exp [A, T] f32 (f64), which backward needs. Slack is written.
void attention_forward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                       const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp);

struct AttentionGradients {
  HeadColumns dq, dk, dv;  // written, slack too
};
void attention_backward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
                        const Tensor& dout, const AttentionGradients& gradients);

}  // namespace cpu
}  // namespace muybridge
