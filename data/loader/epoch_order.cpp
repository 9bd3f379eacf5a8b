#include "data/loader/epoch_order.h"

#include <bit>

#include "core/error.h"
#include "core/random.h"

namespace muybridge {

std::int64_t shuffled(std::uint64_t seed, std::uint64_t epoch, std::int64_t index,
                      std::int64_t count) {
  if (index < 0 || index >= count)
    fail(ExitCode::kInternal, "shuffle: {} is not in an epoch of {}", index, count);
  constexpr std::uint64_t kRounds = 8;
  const RandomStream stream(seed, Purpose::kShuffle, epoch);
  const int bits = std::bit_width(static_cast<std::uint64_t>(count - 1));
  const int half = (bits + 1) / 2;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  // The network permutes [0, 4^half), fewer than 4 * count values; walk until one is in range.
  auto value = static_cast<std::uint64_t>(index);
  do {
    std::uint64_t left = value >> half;
    std::uint64_t right = value & mask;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const std::uint64_t mixed = left ^ (stream.bits(round << 32 | right) & mask);
      left = right;
      right = mixed;
    }
    value = left << half | right;
  } while (value >= static_cast<std::uint64_t>(count));
  return static_cast<std::int64_t>(value);
}

}  // namespace muybridge
