#pragma once

#include <cstdint>

#include "core/packing.h"
#include "core/tape.h"

namespace muybridge {

// T tokens  A heads  E head width  D = A E  B buckets

// How T5 sorts distances (Raffel et al. 2020, arXiv:1910.10683, section 2.1): half of the buckets
// are for keys behind the query's own place, half for the others. Of each half a half holds one
// distance each, the rest grow with the logarithm up to `max_distance`; the last holds all beyond.
struct RelativeBuckets {
  std::int64_t count = 32;
  std::int64_t max_distance = 128;  // tokens

  // The bucket of a key so many tokens after its query; negative: before it.
  std::int64_t of(std::int64_t distance) const;
};

// Throws std::invalid_argument unless the count is even, 4 at least, and the distances that have a
// bucket each end before max_distance.
void require_valid(const RelativeBuckets& buckets);

// softmax(q k^T + bias) v for every head, each token within its own text: no scale, and a bias for
// each head and bucket from table [B, A]. qkv [T, 3 D] in blocks q, k, v -> [T, D]; scores are f32
// (f64 for f64), rows of slack are zero. A text's scores are made whole, some queries at a time.
// For encoders that are not trained: it has no gradient, and throws std::logic_error where one
// would be recorded.
Var relative_attention(const Var& qkv_T3D, const Var& table_BA, const RelativeBuckets& buckets,
                       std::int64_t heads, const Packing& packing);

}  // namespace muybridge
