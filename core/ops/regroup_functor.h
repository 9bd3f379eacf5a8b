#pragma once

#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// Pieces of `width` elements: [rows, blocks, parts] <-> [parts, rows, blocks]. Row i of the walk is
// a piece of the first order.
template <class T>
struct Regroup {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  const T* from;
  std::int64_t rows;
  std::int64_t blocks;
  std::int64_t parts;
  std::int64_t width;
  bool apart;  // to the second order; else back
  T* to;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, from, to); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t i) const {
    const std::int64_t part = i % parts, row_block = i / parts;
    const std::int64_t j = part * rows * blocks + row_block;
    const auto in = team.read(from + (apart ? i : j) * width, width);
    team.write(to + (apart ? j : i) * width, width, [&](auto at) { return in[at]; });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ROWS, Regroup)
}  // namespace muybridge
