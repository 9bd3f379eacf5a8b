#pragma once

#include <cstdint>

#include "core/functor.h"
#include "core/math.h"
#include "core/random.h"

namespace muybridge::functor {

template <class A>
MUY_HD A within(A x, A most) {
  return x > most ? most : x < -most ? -most : x;
}

// The noise of a place, by choices alone: an index that the compiler does not know would want
// memory.
MUY_HD inline float noise_at(const RandomStream& noise, std::int64_t place) {
  float four[4];
  noise.normals(static_cast<std::uint64_t>(place) / 4, four);
  const float even = (place & 2) != 0 ? four[2] : four[0];
  const float odd = (place & 2) != 0 ? four[3] : four[1];
  return (place & 1) != 0 ? odd : even;
}

// A row of moments to one of latents; sums[0]: its divergence, in f64.
template <class T>
struct DrawLatents {
  using A = Accumulator<T>;
  const T* moments;
  RandomStream noise;
  std::int64_t channels;
  A most;
  T* latents;
  std::int64_t bytes() const { return 3 * channels * static_cast<std::int64_t>(sizeof(T)); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row, double* sums) const {
    const T* const mean = moments + 2 * channels * row;
    const T* const logvar = mean + channels;
    const A total = team.template sum<A>(channels, [&](std::int64_t j) {
      const A m = static_cast<A>(mean[j]), v = within(static_cast<A>(logvar[j]), most);
      const std::int64_t place = channels * row + j;
      latents[place] =
          static_cast<T>(m + math::exp(v / 2) * static_cast<A>(noise_at(noise, place)));
      return (m * m + math::exp(v) - A{1} - v) / 2;
    });
    if (team.leader()) sums[0] += static_cast<double>(total);
  }
};

// For latent i: the gradients of its mean and of its variance's logarithm.
template <class T>
struct DrawLatentsGrad {
  using A = Accumulator<T>;
  const T* moments;
  const T* upstream;
  RandomStream noise;
  std::int64_t channels;
  A most, weight;
  T* grad;
  static std::int64_t bytes() { return 5 * sizeof(T); }
  MUY_HD void operator()(std::int64_t i) const {
    const std::int64_t mean = i / channels * 2 * channels + i % channels, logvar = mean + channels;
    const A m = static_cast<A>(moments[mean]), v = static_cast<A>(moments[logvar]),
            dz = static_cast<A>(upstream[i]);
    const A deviation = math::exp(within(v, most) / 2);
    const A from_noise = deviation * static_cast<A>(noise_at(noise, i));
    grad[mean] = static_cast<T>(dz + weight * m);
    grad[logvar] = static_cast<T>(
        v > most || v < -most ? A{0}
                              : (dz * from_noise + weight * (deviation * deviation - A{1})) / 2);
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS_SUM_F64(DrawLatents)
MUY_FLOATS(MUY_ELEMENTS, DrawLatentsGrad)
}  // namespace muybridge
