#pragma once

#include <cmath>
#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// A negative id is a row of slack: zero.
template <class T>
struct Embedding {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  const std::int32_t* ids;
  const T* table;
  std::int64_t width;
  T* y;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, table, y); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    T* const out = y + row * width;
    if (ids[row] < 0) {
      team.write(out, width, [](auto) { return static_cast<T>(0.0F); });
      return;
    }
    const auto entry = team.read(table + ids[row] * width, width);
    team.write(out, width, [&](auto at) { return entry[at]; });
  }
};

// Entry `row` of the table gathers the gradients of the tokens that used it, in their order.
template <class T>
struct EmbeddingGrad {
  using A = Accumulator<T>;
  const std::int32_t* ids;
  std::int64_t tokens;
  const T* dy;
  std::int64_t width;
  A* grad;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    A* const sum = grad + row * width;
    for (std::int64_t token = 0; token < tokens; ++token) {
      if (ids[token] != row) continue;
      const T* const in = dy + token * width;
      team.each(width, [&](std::int64_t j) { sum[j] += static_cast<A>(in[j]); });
    }
  }
};

// [cos | sin] of t * max_period^(-i / half).
template <class T>
struct Sinusoid {
  const Accumulator<T>* t;
  std::int64_t half;
  double max_period;
  T* y;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    T* const out = y + row * 2 * half;
    const double time = static_cast<double>(t[row]);
    team.each(half, [&](std::int64_t i) {
      const double angle =
          time * std::pow(max_period, -static_cast<double>(i) / static_cast<double>(half));
      out[i] = static_cast<T>(static_cast<Accumulator<T>>(std::cos(angle)));
      out[half + i] = static_cast<T>(static_cast<Accumulator<T>>(std::sin(angle)));
    });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ROWS, Embedding)
MUY_FLOATS(MUY_ROWS, EmbeddingGrad)
MUY_FLOATS(MUY_ROWS, Sinusoid)
}  // namespace muybridge
