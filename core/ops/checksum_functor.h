#pragma once

#include <cstdint>
#include <cstring>

#include "core/functor.h"

namespace muybridge::functor {

// Rows of up to `row` elements of a flat array of n; sums[0] collects a number that depends on each
// element's bits and place.
template <class T>
struct Checksum {
  const T* x;
  std::int64_t n;
  std::int64_t row;

  std::int64_t bytes() const { return row * static_cast<std::int64_t>(sizeof(T)); }
  // The end of SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195), where its
  // state is at `place`, with the bits added.
  MUY_HD static std::uint64_t mixed(const T& element, std::int64_t place) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &element, sizeof element);
    std::uint64_t z = bits + static_cast<std::uint64_t>(place + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t r, std::uint64_t* sums) const {
    const std::int64_t begin = r * row;
    const std::int64_t count = n - begin < row ? n - begin : row;
    const std::uint64_t total = team.template sum<std::uint64_t>(
        count, [&](std::int64_t i) { return mixed(x[begin + i], begin + i); });
    if (team.leader()) sums[0] += total;
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ROWS_SUM(std::uint64_t, Checksum<float>)
MUY_ROWS_SUM(std::uint64_t, Checksum<bf16>)
MUY_ROWS_SUM(std::uint64_t, Checksum<double>)
}  // namespace muybridge
