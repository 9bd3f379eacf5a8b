#include "core/random.h"

#include "core/parallel_for.h"

namespace muybridge {
namespace {

// The finaliser of SplitMix64 (Steele et al., OOPSLA'14).
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, Purpose purpose, std::uint64_t a, std::uint64_t b)
    : key_(mix(mix(seed) ^ static_cast<std::uint64_t>(purpose))), high_(mix(mix(a) + b)) {}

std::int64_t RandomStream::integer(std::uint64_t element, std::int64_t begin,
                                   std::int64_t end) const {
  const auto range = static_cast<std::uint64_t>(end - begin) + 1;
  const std::uint64_t wide = std::uint64_t{bits(2 * element)} << 32 | bits(2 * element + 1);
  return begin + static_cast<std::int64_t>((static_cast<unsigned __int128>(wide) * range) >> 64);
}

std::uint64_t hash_name(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

void fill_normal(const RandomStream& stream, float* out, std::int64_t count) {
  const std::int64_t blocks = count / 4;
  parallel_for(
      blocks,
      [&](std::int64_t begin, std::int64_t end) {
        const RandomStream local = stream;
#pragma omp simd
        for (std::int64_t block = begin; block < end; ++block) {
          float four[4];
          local.normals(static_cast<std::uint64_t>(block), four);
          for (int i = 0; i < 4; ++i) out[4 * block + i] = four[i];
        }
      },
      4096);
  for (std::int64_t i = 4 * blocks; i < count; ++i)
    out[i] = stream.normal(static_cast<std::uint64_t>(i));
}

}  // namespace muybridge
