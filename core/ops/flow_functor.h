#pragma once

#include <cstdint>

#include "core/functor.h"
#include "core/random.h"

namespace muybridge::functor {

// One row of a packed batch. Noise of a clip is addressed by the element's place in the clip, so
// that it does not depend on where the clip is packed.
template <class A>
struct FlowNoise {
  const A* clean;
  const std::int32_t* clip_of;
  const std::int32_t* first_row;  // of each clip
  const RandomStream* streams;    // of each clip
  const A* times;                 // of each clip
  std::int64_t width;
  A* noisy;
  A* target;

  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const std::int32_t clip = clip_of[row];
    const RandomStream stream = streams[clip];
    const A time = times[clip];
    const A* const x = clean + row * width;
    A* const out = noisy + row * width;
    A* const velocity = target + row * width;
    const auto first = static_cast<std::uint64_t>((row - first_row[clip]) * width);
    const auto mix = [&](std::int64_t j, A noise) {
      out[j] = (A{1} - time) * x[j] + time * noise;
      velocity[j] = noise - x[j];
    };
    if (width % 4 == 0) {
      team.each(width / 4, [&](std::int64_t block) {
        float four[4];
        stream.normals(first / 4 + static_cast<std::uint64_t>(block), four);
        for (int i = 0; i < 4; ++i) mix(4 * block + i, static_cast<A>(four[i]));
      });
    } else {
      team.each(width, [&](std::int64_t j) {
        mix(j, static_cast<A>(stream.normal(first + static_cast<std::uint64_t>(j))));
      });
    }
  }
};

// velocity = (noisy - clean) / max(time of the row's clip, least). Without noisy (null) it is the
// gradient: of clean, where `clean` is that of the velocity.
template <class T>
struct CleanToVelocity {
  using A = Accumulator<T>;
  static constexpr bool kColumnsApart = true;
  const T* clean;
  const A* noisy;
  const A* times;
  const std::int32_t* clip_of;
  std::int64_t width;
  A least;
  T* velocity;

  MUY_HD std::int64_t columns() const { return width; }
  bool in_packs() const { return functor::in_packs(width, clean, noisy, velocity); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const A time = times[clip_of[row]];
    const A factor = A{1} / (time > least ? time : least);
    const auto x = team.read(clean + row * width, width);
    T* const out = velocity + row * width;
    if (noisy) {
      const auto from = team.read(noisy + row * width, width);
      team.write(out, width, [&](auto at) { return (from[at] - static_cast<A>(x[at])) * factor; });
    } else {
      team.write(out, width, [&](auto at) { return (A{0} - static_cast<A>(x[at])) * factor; });
    }
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ROWS(FlowNoise<float>)
MUY_ROWS(FlowNoise<double>)
MUY_FLOATS(MUY_ROWS, CleanToVelocity)
}  // namespace muybridge
