#pragma once

#include <cmath>
#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// out[row, block] = the sum of squares of each block that is normalised.
template <class T>
struct QkSquares {
  using A = Accumulator<T>;
  const T* x;
  std::int64_t width;
  int normed;
  int blocks;
  A* out;

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    for (int block = 0; block < normed; ++block) {
      const T* const in = x + (row * blocks + block) * width;
      const A squares = team.template sum<A>(
          width, [&](std::int64_t j) { return static_cast<A>(in[j]) * static_cast<A>(in[j]); });
      if (team.leader()) out[row * normed + block] = squares;
    }
  }
};

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
  A full_width;      // of the rows of all ranks
  const A* squares;  // [T, normed], of the full rows; null: of these
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
      const A total = squares ? squares[row * normed + block]
                              : team.template sum<A>(width, [&](std::int64_t j) {
                                  return static_cast<A>(in[j]) * static_cast<A>(in[j]);
                                });
      const A rstd = A{1} / std::sqrt(total / full_width + eps);
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

// What both walks of the backward see of a row's block. The rotation's transpose turns dy back;
// without a rotation cosine is 1 and sine 0.
template <class T>
struct QkGradBlock {
  using A = Accumulator<T>;
  const T* in;
  const T* grad;
  const T* weight;
  const A* angles;  // null: no rotation
  std::int64_t heads, head_width;

  MUY_HD void turned(std::int64_t j, std::int64_t pair, A& even, A& odd) const {
    const A cosine = angles ? angles[2 * pair] : A{1}, sine = angles ? angles[2 * pair + 1] : A{0};
    const A first = static_cast<A>(grad[j]), second = static_cast<A>(grad[j + 1]);
    even = first * cosine + second * sine;
    odd = second * cosine - first * sine;
  }
  // The sum over the block of x times the gradient that reaches it through weight and rotation.
  template <class Team>
  MUY_HD A dot(const Team& team) const {
    return team.template sum<A>(heads, head_width / 2, [&](std::int64_t head, std::int64_t pair) {
      const std::int64_t j = head * head_width + 2 * pair;
      A even, odd;
      turned(j, pair, even, odd);
      return even * static_cast<A>(weight[j]) * static_cast<A>(in[j]) +
             odd * static_cast<A>(weight[j + 1]) * static_cast<A>(in[j + 1]);
    });
  }
};

template <class T>
struct QkGradInput {
  using A = Accumulator<T>;
  const T* x;
  const T* dy;
  const T* weights[2];
  const A* rope;
  std::int64_t heads;
  std::int64_t head_width;
  int normed;
  int blocks;

  MUY_HD QkGradBlock<T> block(std::int64_t row, int index) const {
    const std::int64_t begin = (row * blocks + index) * heads * head_width;
    return {x + begin, dy + begin, weights[index], rope ? rope + row * head_width : nullptr,
            heads,     head_width};
  }
};

// out[row, block] = QkGradBlock::dot.
template <class T>
struct QkDots {
  QkGradInput<T> from;
  Accumulator<T>* out;

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    for (int block = 0; block < from.normed; ++block) {
      const Accumulator<T> dot = from.block(row, block).dot(team);
      if (team.leader()) out[row * from.normed + block] = dot;
    }
  }
};

// sums: the weights' gradients, [normed, D].
template <class T>
struct QkNormRopeGrad {
  using A = Accumulator<T>;
  QkGradInput<T> from;
  const A* rstds;
  A full_width;   // as in QkNormRope
  const A* dots;  // [T, normed], of the full rows; null: of these
  T* dx;

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, A* sums) const {
    const std::int64_t width = from.heads * from.head_width, pairs = from.head_width / 2;
    for (int block = 0; block < from.blocks; ++block) {
      T* const out = dx + (row * from.blocks + block) * width;
      if (block >= from.normed) {
        const T* const grad = from.dy + (row * from.blocks + block) * width;
        team.each(width, [&](std::int64_t j) { out[j] = grad[j]; });
        continue;
      }
      const QkGradBlock<T> at = from.block(row, block);
      A* const weight_grad = sums + block * width;
      const A rstd = rstds[row * from.normed + block];
      const A dot = dots ? dots[row * from.normed + block] : at.dot(team);
      const A mean = dot * rstd / full_width;
      team.each(from.heads, pairs, [&](std::int64_t head, std::int64_t pair) {
        const std::int64_t j = head * from.head_width + 2 * pair;
        A even, odd;
        at.turned(j, pair, even, odd);
        const A xhat_even = static_cast<A>(at.in[j]) * rstd,
                xhat_odd = static_cast<A>(at.in[j + 1]) * rstd;
        out[j] = static_cast<T>(rstd * (even * static_cast<A>(at.weight[j]) - xhat_even * mean));
        out[j + 1] =
            static_cast<T>(rstd * (odd * static_cast<A>(at.weight[j + 1]) - xhat_odd * mean));
        weight_grad[j] += even * xhat_even;
        weight_grad[j + 1] += odd * xhat_odd;
      });
    }
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ROWS, QkSquares)
MUY_FLOATS(MUY_ROWS, QkNormRope)
MUY_FLOATS(MUY_ROWS, QkDots)
MUY_FLOATS_SUM(QkNormRopeGrad)
}  // namespace muybridge
