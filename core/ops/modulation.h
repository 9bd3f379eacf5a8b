#pragma once

#include <span>

#include "core/tape.h"

namespace muybridge {

// T tokens  D width  C clips  n entries

// Which clip each row of a packed tensor belongs to, and the clips' offsets: what ops that look a
// token's clip up need. Rows of slack belong to the last clip and to no segment of sums.
struct ClipRows {
  Tensor clip_of;                     // i32 [T]; undefined: all rows belong to entry 0
  std::vector<std::int32_t> offsets;  // [C + 1]
  // Where each clip begins, which is before the first row where these are a part of its rows;
  // empty: as offsets say.
  std::vector<std::int32_t> starts = {};

  const std::int32_t* pointer() const {
    return clip_of.defined() ? clip_of.data<std::int32_t>() : nullptr;
  }
  std::int64_t clips() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  // The rows of x [T, D] that belong to no clip.
  Tensor slack(const Tensor& x) const {
    return x.rows(offsets.back(), x.shape()[0] - offsets.back());
  }
};

// The modulation table [C, n, D] of a block: x [C, n * D], or [C, D] for all n entries, plus what
// all clips share [n, D]. The result is f32 (f64 for f64), whatever the operands are.
Var modulation_table(const Var& x, const Var& shared_nD);

// Throws std::invalid_argument unless `table` is [C, n, D] in the accumulator type of x [T, D], and
// has the entries.
void require_table(const char* what, const Tensor& table, const Tensor& x_TD,
                   std::initializer_list<int> entries);

// Adds sums [C, entries, D] to the table's gradient at these entries.
void add_to_table(const Var& table_CnD, const Tensor& sums, std::initializer_list<int> entries);

}  // namespace muybridge
