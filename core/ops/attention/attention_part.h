#pragma once

#include <vector>

#include "core/ops/attention/attention.h"
#include "core/ops/attention/attention_kernel.h"

namespace muybridge {

// T query rows  S key rows  A heads  E head width  D = A E

// Attention over some of a query's keys at a time, as ranks do that hold a part of the keys each.
// Its results over parts add up to that over all keys exactly: each part weighs as the sum of
// exponentials that it saw (Liu et al. 2023, arXiv:2310.01889). All in the accumulator of the
// operands' type, so that many parts are rounded once.

// Queries, and some of the keys and values of their clips. Offsets are [clips + 1] of the same
// clips, in the rows of q and of k and v; a clip may have either without the other.
struct AttentionPart {
  std::int64_t heads;
  HeadColumns q;     // [T, .]
  HeadColumns k, v;  // [S, .]
  std::int64_t width;
  std::vector<std::int32_t> queries, keys;
};

// Where no key was seen, and in slack, `out` is zero and log_sum_exp -inf. On CUDA, where none of
// this has ever run: a part's result is bf16 before it is widened, and each clip with queries needs
// keys.
AttentionOutput attend_part(const AttentionPart& part);

// Adds the result over other keys of queries [first, first + rows of `other`).
void merge_attention(const AttentionOutput& into, const AttentionOutput& other, std::int64_t first);

// dq [T, D] is this part's share, dk and dv [S, D] are whole.
struct PartGradients {
  Tensor dq, dk, dv;
};
// `out` and `dout` are of the operands' type, and over all keys, as log_sum_exp is. Written to
// `into` where it is given.
PartGradients attend_part_backward(const AttentionPart& part, const Tensor& out,
                                   const Tensor& log_sum_exp, const Tensor& dout,
                                   const PartGradients& into = {});

// Columns [first, first + count) of log_sum_exp.
Tensor log_sum_exp_of(const Tensor& log_sum_exp, std::int64_t first, std::int64_t count);

}  // namespace muybridge
