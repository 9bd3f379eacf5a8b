#pragma once

#include <cmath>
#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// Mean and inverse deviation of a row.
template <class A>
struct Moments {
  A mean;
  A rstd;
};

// y = xhat * (unit + scale) + shift, where xhat is x normalised over its row and shift, scale are
// rows of a table: row clip_of[row] of it, or row 0 where clip_of is null. `unit` is 1 for a
// modulation (scale is a deviation from 1) and 0 for an affine weight.
template <class T, class S>
struct LayerNorm {
  using A = Accumulator<T>;
  const T* x;
  const S* shift;
  const S* scale;
  const std::int32_t* clip_of;
  std::int64_t table_stride;
  std::int64_t width;
  A unit;
  A eps;
  T* y;
  Moments<A>* moments;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const {
    return table_stride % kPack == 0 && functor::in_packs(width, x, shift, scale, y);
  }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const std::int64_t entry = (clip_of ? clip_of[row] : 0) * table_stride;
    const auto in = team.read(x + row * width, width);
    const auto row_shift = team.read(shift + entry, width);
    const auto row_scale = team.read(scale + entry, width);
    const A mean = team.template sum<A>(width, [&](auto at) { return static_cast<A>(in[at]); }) /
                   static_cast<A>(width);
    const A variance = team.template sum<A>(width, [&](auto at) {
      const A centred = static_cast<A>(in[at]) - mean;
      return centred * centred;
    }) / static_cast<A>(width);
    const A rstd = A{1} / std::sqrt(variance + eps);
    team.write(y + row * width, width, [&](auto at) {
      const A xhat = (static_cast<A>(in[at]) - mean) * rstd;
      return xhat * (unit + static_cast<A>(row_scale[at])) + static_cast<A>(row_shift[at]);
    });
    if (team.leader()) moments[row] = {mean, rstd};
  }
};

// dx = the gradient of x, or where `add` dx += it; D is T or its accumulator. sums: the gradients
// of shift and scale.
template <class T, class S, class D>
struct LayerNormGrad {
  using A = Accumulator<T>;
  static constexpr int kGroups = 2;
  const T* x;
  const T* dy;
  const S* scale;
  const std::int32_t* clip_of;
  std::int64_t table_stride;
  std::int64_t width;
  A unit;
  const Moments<A>* moments;
  D* dx;
  bool add;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const {
    return table_stride % kPack == 0 && functor::in_packs(width, x, dy, scale, dx);
  }
  template <class Team, class Sums>
  MUY_HD void operator()(const Team& team, std::int64_t row, Sums& sums) const {
    const auto in = team.read(x + row * width, width);
    const auto grad = team.read(dy + row * width, width);
    const auto row_scale = team.read(scale + (clip_of ? clip_of[row] : 0) * table_stride, width);
    const Moments<A> m = moments[row];
    const A sum_g = team.template sum<A>(width, [&](auto at) {
      return static_cast<A>(grad[at]) * (unit + static_cast<A>(row_scale[at]));
    });
    const A sum_gx = team.template sum<A>(width, [&](auto at) {
      return static_cast<A>(grad[at]) * (unit + static_cast<A>(row_scale[at])) *
             (static_cast<A>(in[at]) - m.mean) * m.rstd;
    });
    const A mean_g = sum_g / static_cast<A>(width), mean_gx = sum_gx / static_cast<A>(width);
    team.put(dx + row * width, width, add, [&](auto at) {
      const A xhat = (static_cast<A>(in[at]) - m.mean) * m.rstd;
      const A g = static_cast<A>(grad[at]);
      sums(0, at) += g;
      sums(1, at) += g * xhat;
      return m.rstd * (g * (unit + static_cast<A>(row_scale[at])) - mean_g - xhat * mean_gx);
    });
  }
};

// y = x / rms(x) * weight.
template <class T>
struct RmsNorm {
  using A = Accumulator<T>;
  const T* x;
  const T* weight;
  std::int64_t width;
  A eps;
  T* y;
  A* rstds;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, x, weight, y); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const auto in = team.read(x + row * width, width);
    const auto by = team.read(weight, width);
    const A squares = team.template sum<A>(
        width, [&](auto at) { return static_cast<A>(in[at]) * static_cast<A>(in[at]); });
    const A rstd = A{1} / std::sqrt(squares / static_cast<A>(width) + eps);
    team.write(y + row * width, width,
               [&](auto at) { return static_cast<A>(in[at]) * rstd * static_cast<A>(by[at]); });
    if (team.leader()) rstds[row] = rstd;
  }
};

// dx as that of LayerNormGrad. sums: the weight's gradient.
template <class T, class D>
struct RmsNormGrad {
  using A = Accumulator<T>;
  static constexpr int kGroups = 1;
  const T* x;
  const T* dy;
  const T* weight;
  std::int64_t width;
  const A* rstds;
  D* dx;
  bool add;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, x, dy, weight, dx); }
  template <class Team, class Sums>
  MUY_HD void operator()(const Team& team, std::int64_t row, Sums& sums) const {
    const auto in = team.read(x + row * width, width);
    const auto grad = team.read(dy + row * width, width);
    const auto by = team.read(weight, width);
    const A rstd = rstds[row];
    const A mean = team.template sum<A>(width, [&](auto at) {
      return static_cast<A>(grad[at]) * static_cast<A>(by[at]) * static_cast<A>(in[at]) * rstd;
    }) / static_cast<A>(width);
    team.put(dx + row * width, width, add, [&](auto at) {
      const A xhat = static_cast<A>(in[at]) * rstd;
      const A g = static_cast<A>(grad[at]);
      sums(0, at) += g * xhat;
      return rstd * (g * static_cast<A>(by[at]) - xhat * mean);
    });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ROWS(LayerNorm<float, float>)
MUY_ROWS(LayerNorm<bf16, bf16>)
MUY_ROWS(LayerNorm<bf16, float>)
MUY_ROWS(LayerNorm<double, double>)
MUY_ROWS_SUM(float, LayerNormGrad<float, float, float>)
MUY_ROWS_SUM(float, LayerNormGrad<bf16, bf16, bf16>)
MUY_ROWS_SUM(float, LayerNormGrad<bf16, bf16, float>)
MUY_ROWS_SUM(float, LayerNormGrad<bf16, float, bf16>)
MUY_ROWS_SUM(float, LayerNormGrad<bf16, float, float>)
MUY_ROWS_SUM(double, LayerNormGrad<double, double, double>)
MUY_FLOATS(MUY_ROWS, RmsNorm)
MUY_ROWS_SUM(float, RmsNormGrad<float, float>)
MUY_ROWS_SUM(float, RmsNormGrad<bf16, bf16>)
MUY_ROWS_SUM(float, RmsNormGrad<bf16, float>)
MUY_ROWS_SUM(double, RmsNormGrad<double, double>)
}  // namespace muybridge
