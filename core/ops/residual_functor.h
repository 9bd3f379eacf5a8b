#pragma once

#include <cstdint>

#include "core/functor.h"

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

// sums: the gate's gradient. G is T, or its accumulator where dout is a sum.
template <class T, class G>
struct GateResidualGrad {
  using A = Accumulator<T>;
  const T* y;
  const G* dout;
  const A* gate;
  const std::int32_t* clip_of;
  std::int64_t table_stride;
  std::int64_t width;
  T* dy;
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, A* sums) const {
    const T* const branch = y + row * width;
    const G* const grad = dout + row * width;
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

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ELEMENTS, Add)
MUY_FLOATS(MUY_ROWS, GateResidual)
MUY_ROWS_SUM(float, GateResidualGrad<float, float>)
MUY_ROWS_SUM(float, GateResidualGrad<bf16, bf16>)
MUY_ROWS_SUM(float, GateResidualGrad<bf16, float>)
MUY_ROWS_SUM(double, GateResidualGrad<double, double>)
}  // namespace muybridge
