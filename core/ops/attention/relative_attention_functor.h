#pragma once

#include <cstdint>

#include "core/functor.h"

namespace muybridge::functor {

// Element i of bias [heads, distances], of a head and a distance: the table's of its bucket.
template <class T>
struct DistanceBias {
  const T* table;                 // [buckets, heads]
  const std::int32_t* bucket_of;  // [distances]
  std::int64_t heads, distances;
  Accumulator<T>* bias;
  MUY_HD void operator()(std::int64_t i) const {
    const std::int64_t head = i / distances, distance = i % distances;
    bias[i] = static_cast<Accumulator<T>>(table[bucket_of[distance] * heads + head]);
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_FLOATS(MUY_ELEMENTS, DistanceBias)
}  // namespace muybridge
