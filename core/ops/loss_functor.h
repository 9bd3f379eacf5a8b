#pragma once

#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// sums[0]: the row's squared error, in f64.
template <class T>
struct SquaredError {
  using A = Accumulator<T>;
  const T* prediction;
  const A* target;
  std::int64_t width;
  std::int64_t bytes() const { return width * static_cast<std::int64_t>(sizeof(T) + sizeof(A)); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, double* sums) const {
    const T* const p = prediction + row * width;
    const A* const t = target + row * width;
    const A total = team.template sum<A>(width, [&](std::int64_t j) {
      const A difference = static_cast<A>(p[j]) - t[j];
      return difference * difference;
    });
    if (team.leader()) sums[0] += static_cast<double>(total);
  }
};

template <class T>
struct SquaredErrorGrad {
  using A = Accumulator<T>;
  const T* prediction;
  const A* target;
  const A* upstream;  // one element
  A factor;
  T* grad;
  static std::int64_t bytes() { return 2 * sizeof(T) + sizeof(A); }
  MUY_HD void operator()(std::int64_t i) const {
    grad[i] = static_cast<T>(*upstream * factor * (static_cast<A>(prediction[i]) - target[i]));
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS_SUM_F64(SquaredError)
MUY_FLOATS(MUY_ELEMENTS, SquaredErrorGrad)
}  // namespace muybridge
