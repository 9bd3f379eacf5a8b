#pragma once

#include <memory>

#include "core/ops/attention/attention.h"
#include "core/packing.h"
#include "core/slice.h"
#include "core/tape.h"
#include "parallel/group.h"

namespace muybridge {

// N ranks of a ring  R rows of each  A heads  E head width  D = A E

// self_attention of tokens that lie on the ranks of a group, an equal segment of the batch's rows
// on each, in their order: every rank keeps its queries, and keys and values come round (ring
// attention, Liu et al. 2023, arXiv:2310.01889). At step s a rank attends to what it has of the
// rank s further on while that of the next step travels; results are merged in f32 (f64). Heads
// need not divide by the ranks. Backward sends keys and values round again, and their gradients
// home in f32 (f64), where they are added up in the order of steps.
//
// Keys and values go straight from where they lie to where they are needed instead of from rank to
// rank: two segments share at most one clip, so that only its rows travel, and nothing between
// ranks that share none. Of one clip over all ranks a rank sends as much as one that hands all on.
//
// qkv [R, 3 D] in blocks q, k, v -> [R, D]. `packing` is of the N R rows of all ranks, which call
// this, and so its backward, in the same order. In a group of one it is self_attention.
Var ring_attention(const Var& qkv_R3D, std::int64_t heads, const Packing& packing,
                   const std::shared_ptr<Group>& group, const KeptAttention& kept = {});

// The rows that `rank` has of the clip that lies in the segments of both, counted from its first
// row; none where they share no clip. Of two ranks.
Slice shared_rows(const Packing& packing, int rank, int other, int ranks);

}  // namespace muybridge
