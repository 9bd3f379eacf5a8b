#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "core/dtype.h"
#include "core/math.h"
#include "core/tensor.h"

namespace muybridge {

// Randomness is keyed by what it is for, never by who computes it, so that every layout of ranks
// draws the same numbers. Generator: Philox4x32-10 (Salmon et al., SC'11).
enum class Purpose : std::uint32_t {
  kInit = 1,         // a = hash of the parameter's name
  kShuffle = 2,      // a = epoch
  kTimestep = 3,     // a = step, b = sample
  kNoise = 4,        // a = step, b = sample
  kCaptionDrop = 5,  // a = sample
  kSampling = 6,     // a = seed of the clip; b = its ordinal
  kValidation = 7,   // a = clip, b = timestep quantile
  kSynthetic = 8,    // a = clip, b = what is drawn
  kLatents = 9,      // a = step, b = sample
  kTest = 99,
};

struct Philox {
  std::uint32_t words[4];
};

MUY_HD inline Philox philox(std::uint64_t key, std::uint64_t high, std::uint64_t low) {
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  std::uint32_t c0 = static_cast<std::uint32_t>(low), c1 = static_cast<std::uint32_t>(low >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(high), c3 = static_cast<std::uint32_t>(high >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<std::uint32_t>(p1);
    c3 = static_cast<std::uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return {{c0, c1, c2, c3}};
}

// A stream of numbers addressed by element. Cheap to copy, has no state, and is all zero bits when
// default-made, so that a Tensor can hold an array of them.
class RandomStream {
 public:
  RandomStream() = default;
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint64_t a = 0, std::uint64_t b = 0);

  MUY_HD std::uint32_t bits(std::uint64_t element) const {
    return philox(key_, high_, element >> 2).words[element & 3];
  }
  // In [0, 1), 24 bits.
  MUY_HD float uniform(std::uint64_t element) const {
    return static_cast<float>(bits(element) >> 8) * 0x1p-24F;
  }
  // In [begin, end]; the bias is below 2^-32 times the range.
  std::int64_t integer(std::uint64_t element, std::int64_t begin, std::int64_t end) const;
  // Standard normals of elements 4 `block` .. 4 `block` + 3, by Box and Muller.
  MUY_HD void normals(std::uint64_t block, float out[4]) const {
    const Philox words = philox(key_, high_, block);
    for (int pair = 0; pair < 4; pair += 2) {
      const float u = (static_cast<float>(words.words[pair] >> 8) + 1.0F) * 0x1p-24F;
      const float radius = std::sqrt(-2.0F * math::log(u));
      float cosine, sine;
      math::cos_sin_turns(static_cast<float>(words.words[pair + 1] >> 8) * 0x1p-24F, cosine, sine);
      out[pair] = radius * cosine;
      out[pair + 1] = radius * sine;
    }
  }
  MUY_HD float normal(std::uint64_t element) const {
    float four[4];
    normals(element >> 2, four);
    return four[element & 3];
  }

 private:
  std::uint64_t key_ = 0;
  std::uint64_t high_ = 0;
};

// A stable 64-bit hash of a name (FNV-1a), for keys.
std::uint64_t hash_name(std::string_view name);

// The first `count` normals of the stream.
void fill_normal(const RandomStream& stream, float* out, std::int64_t count);

}  // namespace muybridge
