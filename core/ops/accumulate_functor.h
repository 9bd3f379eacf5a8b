#pragma once

#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

template <class T, class S>
struct Accumulate {
  T* target;
  const S* source;
  static std::int64_t bytes() { return 2 * sizeof(T) + sizeof(S); }
  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    target[i] = static_cast<T>(static_cast<A>(target[i]) +
                               static_cast<A>(static_cast<Accumulator<S>>(source[i])));
  }
};

// to = from, rounded to its type.
template <class T, class S>
struct Cast {
  const S* from;
  T* to;
  static std::int64_t bytes() { return sizeof(S) + sizeof(T); }
  MUY_HD void operator()(std::int64_t i) const {
    to[i] = static_cast<T>(static_cast<Accumulator<T>>(static_cast<Accumulator<S>>(from[i])));
  }
};

template <class T>
struct Scale {
  T* x;
  Accumulator<T> factor;
  static std::int64_t bytes() { return 2 * sizeof(T); }
  MUY_HD void operator()(std::int64_t i) const {
    x[i] = static_cast<T>(static_cast<Accumulator<T>>(x[i]) * factor);
  }
};

template <class T>
struct Blend {
  Accumulator<T> a;
  const T* x;
  Accumulator<T> b;
  T* y;
  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    y[i] = static_cast<T>(a * static_cast<A>(x[i]) + b * static_cast<A>(y[i]));
  }
};

// Rows of up to `row` elements of a flat array of n; sums[0] collects squares.
template <class T>
struct SumOfSquares {
  const T* x;
  std::int64_t n;
  std::int64_t row;
  std::int64_t bytes() const { return row * static_cast<std::int64_t>(sizeof(T)); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t r, double* sums) const {
    const T* const begin = x + r * row;
    const std::int64_t count = n - r * row < row ? n - r * row : row;
    const Accumulator<T> total = team.template sum<Accumulator<T>>(count, [&](std::int64_t i) {
      const auto value = static_cast<Accumulator<T>>(begin[i]);
      return value * value;
    });
    if (team.leader()) sums[0] += static_cast<double>(total);
  }
};

// sums: column sums of x.
template <class T>
struct ColumnSum {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  static constexpr int kGroups = 1;
  const T* x;
  std::int64_t width;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, x); }
  template <class Team, class Sums>
  MUY_HD void operator()(const Team& team, std::int64_t row, Sums& sums) const {
    const auto in = team.read(x + row * width, width);
    team.each(width, [&](auto at) { sums(0, at) += static_cast<A>(in[at]); });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ELEMENTS, Blend)
MUY_ELEMENTS(Accumulate<float, float>)
MUY_ELEMENTS(Accumulate<float, bf16>)
MUY_ELEMENTS(Accumulate<float, double>)
MUY_ELEMENTS(Accumulate<bf16, float>)
MUY_ELEMENTS(Accumulate<bf16, bf16>)
MUY_ELEMENTS(Accumulate<bf16, double>)
MUY_ELEMENTS(Accumulate<double, float>)
MUY_ELEMENTS(Accumulate<double, bf16>)
MUY_ELEMENTS(Accumulate<double, double>)
MUY_ELEMENTS(Cast<float, bf16>)
MUY_ELEMENTS(Cast<float, double>)
MUY_ELEMENTS(Cast<bf16, float>)
MUY_ELEMENTS(Cast<bf16, double>)
MUY_ELEMENTS(Cast<double, float>)
MUY_ELEMENTS(Cast<double, bf16>)
MUY_FLOATS(MUY_ELEMENTS, Scale)
MUY_FLOATS_SUM_F64(SumOfSquares)
MUY_FLOATS_SUM(ColumnSum)
}  // namespace muybridge
