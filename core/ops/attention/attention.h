#pragma once

#include "core/packing.h"
#include "core/tape.h"

namespace muybridge {

// T query tokens  S key tokens  A heads  E head width  D = A E

// softmax(q k^T / sqrt(E)) v for every head, each query within the keys of its own clip. Keys and
// values may have another packing of the same clips (text). Never holds an n x n matrix: blocks
// with a running softmax forward, and their recomputation backward (Dao et al. 2022). Rows of
// slack are zero in the output and in all gradients.

// qkv [T, 3 D] in blocks q, k, v -> [T, D].
Var self_attention(const Var& qkv, std::int64_t heads, const Packing& packing);

// q [T, D], kv [S, 2 D] in blocks k, v -> [T, D].
Var cross_attention(const Var& q, const Var& kv, std::int64_t heads, const Packing& queries,
                    const Packing& keys);

}  // namespace muybridge
