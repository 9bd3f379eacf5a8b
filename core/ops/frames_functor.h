#pragma once

#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// Every place of [T,H,W,C] becomes a square of `by` times `by` of them; row i of the walk is a
// place of the larger one.
template <class T>
struct Enlarge {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  const T* x;
  std::int64_t height, width, channels, by;  // of x
  T* y;

  MUY_HD std::int64_t columns() const { return channels; }
  bool in_packs() const { return functor::in_packs(channels, x, y); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t i) const {
    const std::int64_t column = i % (width * by), row = i / (width * by) % (height * by),
                       frame = i / (width * by) / (height * by);
    const std::int64_t from = (frame * height + row / by) * width + column / by;
    const auto in = team.read(x + from * channels, channels);
    team.write(y + i * channels, channels, [&](auto at) { return static_cast<A>(in[at]); });
  }
};

// Its gradient: the sum over the square. Element i of the smaller one.
template <class T>
struct EnlargeGrad {
  const T* dy;
  std::int64_t height, width, channels, by;
  T* dx;

  std::int64_t bytes() const { return (by * by + 1) * static_cast<std::int64_t>(sizeof(T)); }
  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    const std::int64_t channel = i % channels, place = i / channels;
    const std::int64_t column = place % width, row = place / width % height,
                       frame = place / width / height;
    A sum = 0;
    for (std::int64_t r = 0; r < by; ++r)
      for (std::int64_t c = 0; c < by; ++c)
        sum += static_cast<A>(
            dy[(((frame * height + row) * by + r) * width * by + column * by + c) * channels +
               channel]);
    dx[i] = static_cast<T>(sum);
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ROWS, Enlarge)
MUY_FLOATS(MUY_ELEMENTS, EnlargeGrad)
}  // namespace muybridge
