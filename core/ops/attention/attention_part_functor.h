#pragma once

#include <cmath>
#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// Element i of [heads, rows]: the log-sum-exp of query first + row over the keys of both, and what
// weights the results of both have in theirs together.
template <class A>
struct MergeLogSums {
  const A* other;  // [heads, rows]
  std::int64_t rows;
  std::int64_t first;
  std::int64_t all_rows;
  A* mine;        // [heads, all_rows]
  A *keep, *add;  // [heads, rows]

  MUY_HD void operator()(std::int64_t i) const {
    A* const at = mine + i / rows * all_rows + first + i % rows;
    const A a = *at, b = other[i];
    const A larger = a > b ? a : b, smaller = a > b ? b : a;
    const bool none = larger < 0 && larger + larger == larger;  // -inf: neither saw a key
    const A total = none ? larger : larger + std::log1p(std::exp(smaller - larger));
    keep[i] = none ? A{1} : std::exp(a - total);
    add[i] = none ? A{0} : std::exp(b - total);
    *at = total;
  }
};

// out[first + row] = keep out[first + row] + add other[row], with the weights of each head.
template <class A>
struct MergeAttention {
  const A* other;       // [rows, D]
  const A *keep, *add;  // [heads, rows]
  std::int64_t rows;
  std::int64_t first;
  std::int64_t heads;
  std::int64_t head_width;
  A* out;  // [all rows, D]

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const std::int64_t width = heads * head_width;
    A* const to = out + (first + row) * width;
    const A* const from = other + row * width;
    team.each(heads, head_width, [&](std::int64_t head, std::int64_t e) {
      const std::int64_t at = head * rows + row, j = head * head_width + e;
      to[j] = to[j] * keep[at] + from[j] * add[at];
    });
  }
};

// Element i of [heads, count] is that of column first + i % count of [heads, rows].
template <class A>
struct ColumnsOf {
  const A* from;
  std::int64_t rows;
  std::int64_t first;
  std::int64_t count;
  A* to;
  MUY_HD void operator()(std::int64_t i) const {
    to[i] = from[i / count * rows + first + i % count];
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ELEMENTS(MergeLogSums<float>)
MUY_ELEMENTS(MergeLogSums<double>)
MUY_ROWS(MergeAttention<float>)
MUY_ROWS(MergeAttention<double>)
MUY_ELEMENTS(ColumnsOf<float>)
MUY_ELEMENTS(ColumnsOf<double>)
}  // namespace muybridge
