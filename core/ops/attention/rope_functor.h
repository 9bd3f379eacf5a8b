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

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, x); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    for (int block = 0; block < normed; ++block) {
      const auto in = team.read(x + (row * blocks + block) * width, width);
      const A squares = team.template sum<A>(
          width, [&](auto at) { return static_cast<A>(in[at]) * static_cast<A>(in[at]); });
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

  MUY_HD std::int64_t columns() const { return heads * head_width; }
  bool in_packs() const {
    return head_width % kPack == 0 &&
           functor::in_packs(columns(), x, weights[0], weights[1], rope, y);
  }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const std::int64_t width = columns();
    MUY_UNROLL
    for (int block = 0; block < 2; ++block) {
      if (block >= normed) continue;
      const std::int64_t begin = (row * blocks + block) * width;
      const auto in = team.read(x + begin, width);
      const auto weight = team.read(weights[block], width);
      const A total =
          squares ? squares[row * normed + block] : team.template sum<A>(width, [&](auto at) {
            return static_cast<A>(in[at]) * static_cast<A>(in[at]);
          });
      const A rstd = A{1} / std::sqrt(total / full_width + eps);
      if (team.leader()) rstds[row * normed + block] = rstd;
      const auto scaled = [&](auto at) {
        return static_cast<A>(in[at]) * rstd * static_cast<A>(weight[at]);
      };
      if (rope) {
        const auto angles = team.read_of_head(rope + row * head_width, head_width, width);
        team.write_pairs(y + begin, heads, head_width, [&](auto at, auto in_head) -> ColumnPair<A> {
          const A even = scaled(at), odd = scaled(at + 1);
          const A cosine = angles[in_head], sine = angles[in_head + 1];
          return {even * cosine - odd * sine, even * sine + odd * cosine};
        });
      } else {
        team.write(y + begin, width, scaled);
      }
    }
    for (int block = normed; block < blocks; ++block) {
      const std::int64_t begin = (row * blocks + block) * width;
      const auto in = team.read(x + begin, width);
      team.write(y + begin, width, [&](auto at) { return in[at]; });
    }
  }
};

// What both walks of the backward see of a row's block.
template <class A, class Columns, class Angles>
struct QkGradBlock {
  Columns in, grad, weight;
  Angles angles;
  bool turns;

  // The gradients of two columns before the rotation, whose transpose turns them back.
  template <class At, class InHead>
  MUY_HD ColumnPair<A> turned(At at, InHead in_head) const {
    const A cosine = turns ? angles[in_head] : A{1}, sine = turns ? angles[in_head + 1] : A{0};
    const A first = static_cast<A>(grad[at]), second = static_cast<A>(grad[at + 1]);
    return {first * cosine + second * sine, second * cosine - first * sine};
  }
  // The sum over the block of x times the gradient that reaches it through weight and rotation.
  template <class Team>
  MUY_HD A dot(const Team& team, std::int64_t heads, std::int64_t head_width) const {
    return team.template sum_pairs<A>(heads, head_width, [&](auto at, auto in_head) {
      const auto [even, odd] = turned(at, in_head);
      return even * static_cast<A>(weight[at]) * static_cast<A>(in[at]) +
             odd * static_cast<A>(weight[at + 1]) * static_cast<A>(in[at + 1]);
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

  MUY_HD std::int64_t columns() const { return heads * head_width; }
  bool in_packs() const {
    return head_width % kPack == 0 &&
           functor::in_packs(columns(), x, dy, weights[0], weights[1], rope);
  }
  template <class Team>
  MUY_HD auto block(const Team& team, std::int64_t row, int index) const {
    const std::int64_t width = columns(), begin = (row * blocks + index) * width;
    auto in = team.read(x + begin, width);
    decltype(team.read_of_head(rope, head_width, width)) angles{};
    if (rope) angles = team.read_of_head(rope + row * head_width, head_width, width);
    return QkGradBlock<A, decltype(in), decltype(angles)>{in, team.read(dy + begin, width),
                                                          team.read(weights[index], width), angles,
                                                          rope != nullptr};
  }
};

// out[row, block] = QkGradBlock::dot.
template <class T>
struct QkDots {
  using A = Accumulator<T>;
  QkGradInput<T> from;
  A* out;

  MUY_HD std::int64_t columns() const { return from.columns(); }
  bool in_packs() const { return from.in_packs(); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    MUY_UNROLL
    for (int block = 0; block < 2; ++block) {
      if (block >= from.normed) continue;
      const A dot = from.block(team, row, block).dot(team, from.heads, from.head_width);
      if (team.leader()) out[row * from.normed + block] = dot;
    }
  }
};

// sums: the weights' gradients.
template <class T>
struct QkNormRopeGrad {
  using A = Accumulator<T>;
  static constexpr int kGroups = 2;  // where two blocks are normalised
  QkGradInput<T> from;
  const A* rstds;
  A full_width;   // as in QkNormRope
  const A* dots;  // [T, normed], of the full rows; null: of these
  T* dx;

  MUY_HD std::int64_t columns() const { return from.columns(); }
  bool in_packs() const { return from.in_packs() && functor::in_packs(columns(), dx); }
  template <class Team, class Sums>
  MUY_HD void operator()(const Team& team, std::int64_t row, Sums& sums) const {
    const std::int64_t width = columns();
    MUY_UNROLL
    for (int block = 0; block < 2; ++block) {
      if (block >= from.normed) continue;
      const auto of = from.block(team, row, block);
      const A rstd = rstds[row * from.normed + block];
      const A dot =
          dots ? dots[row * from.normed + block] : of.dot(team, from.heads, from.head_width);
      const A mean = dot * rstd / full_width;
      T* const out = dx + (row * from.blocks + block) * width;
      team.write_pairs(
          out, from.heads, from.head_width, [&](auto at, auto in_head) -> ColumnPair<A> {
            const auto [even, odd] = of.turned(at, in_head);
            const A xhat_even = static_cast<A>(of.in[at]) * rstd,
                    xhat_odd = static_cast<A>(of.in[at + 1]) * rstd;
            sums(block, at) += even * xhat_even;
            sums(block, at + 1) += odd * xhat_odd;
            return {rstd * (even * static_cast<A>(of.weight[at]) - xhat_even * mean),
                    rstd * (odd * static_cast<A>(of.weight[at + 1]) - xhat_odd * mean)};
          });
    }
    for (int block = from.normed; block < from.blocks; ++block) {
      const std::int64_t begin = (row * from.blocks + block) * width;
      const auto grad = team.read(from.dy + begin, width);
      team.write(dx + begin, width, [&](auto at) { return grad[at]; });
    }
  }
};

// Rows of cosines and sines of tokens from `begin` on, each gathered from the tables of the axes
// [positions, width]; behind the `used` ones 1, 0.
template <class A>
struct RopeRows {
  const A* axes[3];  // frames, height, width
  std::int64_t widths[3];
  const std::int32_t* clips;  // [count, 3]: first token, height, width
  std::int64_t count;
  std::int64_t used;
  std::int64_t begin;
  A* out;

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const std::int64_t token = begin + row, columns = widths[0] + widths[1] + widths[2];
    A* const to = out + row * columns;
    if (token >= used) {
      team.each(columns, [&](std::int64_t j) { to[j] = static_cast<A>(1 - j % 2); });
      return;
    }
    std::int64_t clip = 0, end = count;  // the last one that begins at or before the token
    while (end - clip > 1) {
      const std::int64_t middle = (clip + end) / 2;
      if (clips[3 * middle] <= token)
        clip = middle;
      else
        end = middle;
    }
    const std::int64_t place = token - clips[3 * clip], height = clips[3 * clip + 1],
                       width = clips[3 * clip + 2];
    const A* const frame_row = axes[0] + place / width / height * widths[0];
    const A* const height_row = axes[1] + place / width % height * widths[1];
    const A* const width_row = axes[2] + place % width * widths[2];
    team.each(columns, [&](std::int64_t j) {
      const std::int64_t in_plane = j - widths[0], in_width = in_plane - widths[1];
      to[j] = in_plane < 0   ? frame_row[j]
              : in_width < 0 ? height_row[in_plane]
                             : width_row[in_width];
    });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ROWS(RopeRows<float>)
MUY_ROWS(RopeRows<double>)
MUY_FLOATS(MUY_ROWS, QkSquares)
MUY_FLOATS(MUY_ROWS, QkNormRope)
MUY_FLOATS(MUY_ROWS, QkDots)
MUY_FLOATS_SUM(QkNormRopeGrad)
}  // namespace muybridge
