#pragma once

#include <functional>
#include <memory>

#include "core/packing.h"
#include "core/tape.h"

namespace muybridge {

// T query tokens  S key tokens  A heads  E head width  D = A E

// softmax(q k^T / sqrt(E)) v for every head, each query within the keys of its own clip. Keys and
// values may have another packing of the same clips (text). Never holds an n x n matrix: blocks
// with a running softmax forward, and their recomputation backward (Dao et al. 2022). Rows of
// slack are zero in the output and in all gradients.

// What an attention gave, where its operands are made again in backward (recompute) and it need not
// be: the first call fills it, a second one with the same operands takes it. Null: not kept.
struct AttentionOutput {
  Tensor out;          // [T, D]
  Tensor log_sum_exp;  // [A, T]
};
using KeptAttention = std::shared_ptr<AttentionOutput>;

// qkv [T, 3 D] in blocks q, k, v -> [T, D].
Var self_attention(const Var& qkv, std::int64_t heads, const Packing& packing,
                   const KeptAttention& kept = {});

// q [T, D], kv [S, 2 D] in blocks k, v -> [T, D].
Var cross_attention(const Var& q, const Var& kv, std::int64_t heads, const Packing& queries,
                    const Packing& keys, const KeptAttention& kept = {});

// What is kept, or else what `attend` gives.
AttentionOutput attend_once(const KeptAttention& kept,
                            const std::function<AttentionOutput()>& attend);

}  // namespace muybridge
