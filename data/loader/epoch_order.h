#pragma once

#include <cstdint>

namespace muybridge {

// Where position `index` of an epoch leads: for each (seed, epoch) a permutation of [0, count),
// computed one element at a time, so that no rank holds or sends a shuffled list. A Feistel network
// over Philox with cycle walking (Black and Rogaway, CT-RSA 2002).
std::int64_t shuffled(std::uint64_t seed, std::uint64_t epoch, std::int64_t index,
                      std::int64_t count);

}  // namespace muybridge
