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

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const T* const in = x + row * width;
    T* const out = y + row * width;
    const std::int64_t entry = (clip_of ? clip_of[row] : 0) * table_stride;
    const S* const row_shift = shift + entry;
    const S* const row_scale = scale + entry;
    const A mean = team.template sum<A>(width, [&](std::int64_t j) {
      return static_cast<A>(in[j]);
    }) / static_cast<A>(width);
    const A variance = team.template sum<A>(width, [&](std::int64_t j) {
      const A centred = static_cast<A>(in[j]) - mean;
      return centred * centred;
    }) / static_cast<A>(width);
    const A rstd = A{1} / std::sqrt(variance + eps);
    team.each(width, [&](std::int64_t j) {
      const A xhat = (static_cast<A>(in[j]) - mean) * rstd;
      out[j] = static_cast<T>(xhat * (unit + static_cast<A>(row_scale[j])) +
                              static_cast<A>(row_shift[j]));
    });
    if (team.leader()) moments[row] = {mean, rstd};
  }
};

// sums: [shift gradient, scale gradient], each `width` long.
template <class T, class S>
struct LayerNormGrad {
  using A = Accumulator<T>;
  const T* x;
  const T* dy;
  const S* scale;
  const std::int32_t* clip_of;
  std::int64_t table_stride;
  std::int64_t width;
  A unit;
  const Moments<A>* moments;
  T* dx;

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, A* sums) const {
    const T* const in = x + row * width;
    const T* const grad = dy + row * width;
    T* const out = dx + row * width;
    const S* const row_scale = scale + (clip_of ? clip_of[row] : 0) * table_stride;
    const Moments<A> m = moments[row];
    const A sum_g = team.template sum<A>(width, [&](std::int64_t j) {
      return static_cast<A>(grad[j]) * (unit + static_cast<A>(row_scale[j]));
    });
    const A sum_gx = team.template sum<A>(width, [&](std::int64_t j) {
      return static_cast<A>(grad[j]) * (unit + static_cast<A>(row_scale[j])) *
             (static_cast<A>(in[j]) - m.mean) * m.rstd;
    });
    const A mean_g = sum_g / static_cast<A>(width), mean_gx = sum_gx / static_cast<A>(width);
    team.each(width, [&](std::int64_t j) {
      const A xhat = (static_cast<A>(in[j]) - m.mean) * m.rstd;
      const A g = static_cast<A>(grad[j]);
      out[j] = static_cast<T>(
          m.rstd * (g * (unit + static_cast<A>(row_scale[j])) - mean_g - xhat * mean_gx));
      sums[j] += g;
      sums[width + j] += g * xhat;
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

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const T* const in = x + row * width;
    T* const out = y + row * width;
    const A squares = team.template sum<A>(
        width, [&](std::int64_t j) { return static_cast<A>(in[j]) * static_cast<A>(in[j]); });
    const A rstd = A{1} / std::sqrt(squares / static_cast<A>(width) + eps);
    team.each(width, [&](std::int64_t j) {
      out[j] = static_cast<T>(static_cast<A>(in[j]) * rstd * static_cast<A>(weight[j]));
    });
    if (team.leader()) rstds[row] = rstd;
  }
};

// sums: the weight's gradient.
template <class T>
struct RmsNormGrad {
  using A = Accumulator<T>;
  const T* x;
  const T* dy;
  const T* weight;
  std::int64_t width;
  const A* rstds;
  T* dx;

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, A* sums) const {
    const T* const in = x + row * width;
    const T* const grad = dy + row * width;
    T* const out = dx + row * width;
    const A rstd = rstds[row];
    const A mean = team.template sum<A>(width, [&](std::int64_t j) {
      return static_cast<A>(grad[j]) * static_cast<A>(weight[j]) * static_cast<A>(in[j]) * rstd;
    }) / static_cast<A>(width);
    team.each(width, [&](std::int64_t j) {
      const A xhat = static_cast<A>(in[j]) * rstd;
      const A g = static_cast<A>(grad[j]);
      out[j] = static_cast<T>(rstd * (g * static_cast<A>(weight[j]) - xhat * mean));
      sums[j] += g * xhat;
    });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ROWS(LayerNorm<float, float>)
MUY_ROWS(LayerNorm<bf16, bf16>)
MUY_ROWS(LayerNorm<bf16, float>)
MUY_ROWS(LayerNorm<double, double>)
MUY_ROWS_SUM(float, LayerNormGrad<float, float>)
MUY_ROWS_SUM(float, LayerNormGrad<bf16, bf16>)
MUY_ROWS_SUM(float, LayerNormGrad<bf16, float>)
MUY_ROWS_SUM(double, LayerNormGrad<double, double>)
MUY_FLOATS(MUY_ROWS, RmsNorm)
MUY_FLOATS_SUM(RmsNormGrad)
}  // namespace muybridge
