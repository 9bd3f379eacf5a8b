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

// Clips of queries and keys: a clip may have either without the other.
struct AttentionShape {
  std::int64_t heads;
  std::int64_t head_width;
  std::span<const std::int32_t> query_offsets;  // [clips + 1]
  std::span<const std::int32_t> key_offsets;
};

struct AttentionGradients {
  HeadColumns dq, dk, dv;
};

// On the device of q. `out` [T, D] is of q's type, or of its accumulator, which is not rounded;
// log_sum_exp [A, T] f32 (f64). Queries without keys give zero, and -inf; slack of `out` is zero.
void attention_forward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                       const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp);

// With the `out`, of q's type, and log_sum_exp of all keys these may be a part of them: dq is that
// part's share, dk and dv are whole. Gradients are all of q's type, or all of its accumulator; what
// nothing reaches is zero, slack too.
void attention_backward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
                        const Tensor& dout, const AttentionGradients& gradients);

namespace cpu {

void attention_forward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                       const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp);
void attention_backward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
                        const Tensor& dout, const AttentionGradients& gradients);
// Without a scale, queries and keys of the same clips. `bias` [A, 2 R + 1], of out's accumulator:
// column R + d is added to scores of keys d rows after their query, d within [-R, R]; those farther
// off get that of the farthest. `out` is of q's type, its slack zero.
void relative_attention(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& bias, const Tensor& out);

}  // namespace cpu
}  // namespace muybridge
