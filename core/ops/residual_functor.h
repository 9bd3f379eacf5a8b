#pragma once

#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// out = x + y * gate of the row's clip.
template <class T>
struct GateResidual {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  const T* x;
  const T* y;
  const A* gate;
  const std::int32_t* clip_of;
  std::int64_t table_stride;
  std::int64_t width;
  T* out;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const {
    return table_stride % kPack == 0 && functor::in_packs(width, x, y, gate, out);
  }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const auto in = team.read(x + row * width, width);
    const auto branch = team.read(y + row * width, width);
    const auto by = team.read(gate + (clip_of ? clip_of[row] : 0) * table_stride, width);
    team.write(out + row * width, width, [&](auto at) {
      return static_cast<A>(in[at]) + static_cast<A>(branch[at]) * by[at];
    });
  }
};

// sums: the gate's gradient. G is T, or its accumulator where dout is a sum.
template <class T, class G>
struct GateResidualGrad {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  static constexpr int kGroups = 1;
  const T* y;
  const G* dout;
  const A* gate;
  const std::int32_t* clip_of;
  std::int64_t table_stride;
  std::int64_t width;
  T* dy;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const {
    return table_stride % kPack == 0 && functor::in_packs(width, y, dout, gate, dy);
  }
  template <class Team, class Sums>
  MUY_HD void operator()(const Team& team, std::int64_t row, Sums& sums) const {
    const auto branch = team.read(y + row * width, width);
    const auto grad = team.read(dout + row * width, width);
    const auto by = team.read(gate + (clip_of ? clip_of[row] : 0) * table_stride, width);
    team.write(dy + row * width, width, [&](auto at) {
      const A g = static_cast<A>(grad[at]);
      sums(0, at) += g * static_cast<A>(branch[at]);
      return g * by[at];
    });
  }
};

template <class T>
struct Add {
  const T* x;
  const T* y;
  T* out;
  static std::int64_t bytes() { return 3 * sizeof(T); }
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
