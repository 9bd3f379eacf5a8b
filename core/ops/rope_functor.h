#pragma once

#include <cmath>
#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// What the forward and the backward walk of qk_norm_rope share.
template <class T>
struct QkNormRope {
  using A = Accumulator<T>;
  const T* x;
  const T* weights[2];
  const A* rope;  // null: no rotation
  std::int64_t heads;
  std::int64_t head_width;
  int normed;  // blocks that are normalised, at most 2
  int blocks;  // of a row
  A eps;
  T* y;
  A* rstds;  // [T, normed]

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const std::int64_t width = heads * head_width, pairs = head_width / 2;
    const A* const angles = rope ? rope + row * head_width : nullptr;
    for (int block = 0; block < blocks; ++block) {
      const T* const in = x + (row * blocks + block) * width;
      T* const out = y + (row * blocks + block) * width;
      if (block >= normed) {
        team.each(width, [&](std::int64_t j) { out[j] = in[j]; });
        continue;
      }
      const T* const weight = weights[block];
      const A squares = team.template sum<A>(
          width, [&](std::int64_t j) { return static_cast<A>(in[j]) * static_cast<A>(in[j]); });
      const A rstd = A{1} / std::sqrt(squares / static_cast<A>(width) + eps);
      if (team.leader()) rstds[row * normed + block] = rstd;
      if (!angles) {
        team.each(width, [&](std::int64_t j) {
          out[j] = static_cast<T>(static_cast<A>(in[j]) * rstd * static_cast<A>(weight[j]));
        });
        continue;
      }
      team.each(heads, pairs, [&](std::int64_t head, std::int64_t pair) {
        const std::int64_t j = head * head_width + 2 * pair;
        const A even = static_cast<A>(in[j]) * rstd * static_cast<A>(weight[j]);
        const A odd = static_cast<A>(in[j + 1]) * rstd * static_cast<A>(weight[j + 1]);
        const A cosine = angles[2 * pair], sine = angles[2 * pair + 1];
        out[j] = static_cast<T>(even * cosine - odd * sine);
        out[j + 1] = static_cast<T>(even * sine + odd * cosine);
      });
    }
  }
};

// sums: the weights' gradients, [normed, D].
template <class T>
struct QkNormRopeGrad {
  using A = Accumulator<T>;
  const T* x;
  const T* dy;
  const T* weights[2];
  const A* rope;
  std::int64_t heads;
  std::int64_t head_width;
  int normed;
  int blocks;
  const A* rstds;
  T* dx;

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, A* sums) const {
    const std::int64_t width = heads * head_width, pairs = head_width / 2;
    const A* const angles = rope ? rope + row * head_width : nullptr;
    for (int block = 0; block < blocks; ++block) {
      const T* const in = x + (row * blocks + block) * width;
      const T* const grad = dy + (row * blocks + block) * width;
      T* const out = dx + (row * blocks + block) * width;
      if (block >= normed) {
        team.each(width, [&](std::int64_t j) { out[j] = grad[j]; });
        continue;
      }
      const T* const weight = weights[block];
      A* const weight_grad = sums + block * width;
      const A rstd = rstds[row * normed + block];
      // The rotation's transpose turns dy back; without a rotation cosine is 1 and sine 0.
      const auto turned = [&](std::int64_t j, std::int64_t pair, A& even, A& odd) {
        const A cosine = angles ? angles[2 * pair] : A{1},
                sine = angles ? angles[2 * pair + 1] : A{0};
        const A first = static_cast<A>(grad[j]), second = static_cast<A>(grad[j + 1]);
        even = first * cosine + second * sine;
        odd = second * cosine - first * sine;
      };
      const A mean = team.template sum<A>(heads, pairs, [&](std::int64_t head, std::int64_t pair) {
        const std::int64_t j = head * head_width + 2 * pair;
        A even, odd;
        turned(j, pair, even, odd);
        return even * static_cast<A>(weight[j]) * static_cast<A>(in[j]) +
               odd * static_cast<A>(weight[j + 1]) * static_cast<A>(in[j + 1]);
      }) * rstd / static_cast<A>(width);
      team.each(heads, pairs, [&](std::int64_t head, std::int64_t pair) {
        const std::int64_t j = head * head_width + 2 * pair;
        A even, odd;
        turned(j, pair, even, odd);
        const A xhat_even = static_cast<A>(in[j]) * rstd,
                xhat_odd = static_cast<A>(in[j + 1]) * rstd;
        out[j] = static_cast<T>(rstd * (even * static_cast<A>(weight[j]) - xhat_even * mean));
        out[j + 1] = static_cast<T>(rstd * (odd * static_cast<A>(weight[j + 1]) - xhat_odd * mean));
        weight_grad[j] += even * xhat_even;
        weight_grad[j + 1] += odd * xhat_odd;
      });
    }
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ROWS, QkNormRope)
MUY_FLOATS_SUM(QkNormRopeGrad)
}  // namespace muybridge
