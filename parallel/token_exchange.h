#pragma once

#include <memory>

#include "core/tape.h"
#include "parallel/group.h"

namespace muybridge {

// R rows of a rank  N ranks  D columns

// Exchanges of tokens between the ranks of a group, as ops of the tape: the gradient of each is
// another one. Every rank calls them in the same order, and so their backward. In a group of one
// each is the identity.

// [R, D] of each rank -> [N R, D], in the order of ranks. Backward sums what all ranks send to a
// row.
Var gather_rows(const Var& x_RD, const std::shared_ptr<Group>& group);
// Partial sums [N R, D] -> this rank's rows [R, D] of their sum over ranks.
Var sum_to_rows(const Var& x, const std::shared_ptr<Group>& group);

// Columns are `blocks` blocks of heads. All heads of R tokens -> an N-th of the heads, of the
// tokens of all ranks: [R, D] -> [N R, D / N], and back (DeepSpeed-Ulysses, Jacobs et al. 2023).
Var tokens_to_heads(const Var& x_RD, std::int64_t blocks, const std::shared_ptr<Group>& group);
Var heads_to_tokens(const Var& x, std::int64_t blocks, const std::shared_ptr<Group>& group);

}  // namespace muybridge
