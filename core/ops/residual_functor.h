#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace muybridge::functor {

// out = x + y * gate of the row's clip.
template <class T>
struct GateResidual {
  using A = Accumulator<T>;
  const T* x;
  const T* y;
  const A* gate;
  const std::int32_t* clip_of;
  std::int64_t table_stride;
  std::int64_t width;
  T* out;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const T* const in = x + row * width;
    const T* const branch = y + row * width;
    T* const sum = out + row * width;
    const A* const row_gate = gate + (clip_of ? clip_of[row] : 0) * table_stride;
    team.each(width, [&](std::int64_t j) {
      sum[j] = static_cast<T>(static_cast<A>(in[j]) + static_cast<A>(branch[j]) * row_gate[j]);
    });
  }
};

// sums: the gate's gradient.
template <class T>
struct GateResidualGrad {
  using A = Accumulator<T>;
  const T* y;
  const T* dout;
  const A* gate;
  const std::int32_t* clip_of;
  std::int64_t table_stride;
  std::int64_t width;
  T* dy;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, A* sums) const {
    const T* const branch = y + row * width;
    const T* const grad = dout + row * width;
    T* const out = dy + row * width;
    const A* const row_gate = gate + (clip_of ? clip_of[row] : 0) * table_stride;
    team.each(width, [&](std::int64_t j) {
      const A g = static_cast<A>(grad[j]);
      out[j] = static_cast<T>(g * row_gate[j]);
      sums[j] += g * static_cast<A>(branch[j]);
    });
  }
};

template <class T>
struct Add {
  const T* x;
  const T* y;
  T* out;
  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    out[i] = static_cast<T>(static_cast<A>(x[i]) + static_cast<A>(y[i]));
  }
};

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
template <class T>
struct SumEntries {
  using A = Accumulator<T>;
  const A* x;
  std::int64_t entries;
  std::int64_t width;
  T* out;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    team.each(width, [&](std::int64_t j) {
      A total = 0;
      for (std::int64_t i = 0; i < entries; ++i) total += x[(row * entries + i) * width + j];
      out[row * width + j] = static_cast<T>(total);
    });
  }
};

}  // namespace muybridge::functor
