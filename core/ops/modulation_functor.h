#pragma once

#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// out[row, i] = x[row, i] + shared[i] for the n entries i of a table, with an f32 (f64) result. A
// row of x has n entries, or one that serves all.
template <class T>
struct AddShared {
  using A = Accumulator<T>;
  const T* x;
  const T* shared;
  std::int64_t entries;
  std::int64_t width;
  bool one_entry;
  A* out;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const T* const in = x + row * (one_entry ? width : entries * width);
    A* const sum = out + row * entries * width;
    team.each(entries, width, [&](std::int64_t i, std::int64_t j) {
      sum[i * width + j] = static_cast<A>(in[(one_entry ? 0 : i * width) + j]) +
                           static_cast<A>(shared[i * width + j]);
    });
  }
};

// out[row] = the sum of the n entries of x[row].
template <class A>
struct SumEntries {
  const A* x;
  std::int64_t entries;
  std::int64_t width;
  A* out;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    team.each(width, [&](std::int64_t j) {
      A total = 0;
      for (std::int64_t i = 0; i < entries; ++i) total += x[(row * entries + i) * width + j];
      out[row * width + j] = total;
    });
  }
};

// table[row, entry[i]] += x[row, i] for the `count` rows of x, at most 2.
template <class A>
struct AddToEntries {
  const A* x;
  std::int64_t count;
  int entry[2];
  std::int64_t entries;
  std::int64_t width;
  A* table;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    team.each(count, width, [&](std::int64_t i, std::int64_t j) {
      const int to = i == 0 ? entry[0] : entry[1];
      table[(row * entries + to) * width + j] += x[(row * count + i) * width + j];
    });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ROWS, AddShared)
MUY_ROWS(SumEntries<float>)
MUY_ROWS(SumEntries<double>)
MUY_ROWS(AddToEntries<float>)
MUY_ROWS(AddToEntries<double>)
}  // namespace muybridge
