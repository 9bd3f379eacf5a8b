#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace muybridge::functor {

template <class T, class S>
struct Accumulate {
  T* target;
  const S* source;
  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    target[i] = static_cast<T>(static_cast<A>(target[i]) +
                               static_cast<A>(static_cast<Accumulator<S>>(source[i])));
  }
};

template <class T>
struct Scale {
  T* x;
  Accumulator<T> factor;
  MUY_HD void operator()(std::int64_t i) const {
    x[i] = static_cast<T>(static_cast<Accumulator<T>>(x[i]) * factor);
  }
};

// Rows of up to `row` elements of a flat array of n; sums[0] collects squares.
template <class T>
struct SumOfSquares {
  const T* x;
  std::int64_t n;
  std::int64_t row;
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

}  // namespace muybridge::functor
