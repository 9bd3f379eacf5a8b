#pragma once

#include <cstdint>

#include "core/functor.h"

// Functors that only the CUDA side runs, between calls of libraries.
namespace muybridge::functor {

// to(row, column) = from(row, column) for i = row * columns + column.
struct StridedCopy {
  const float* from;
  std::int64_t from_row, from_column;
  float* to;
  std::int64_t to_row, to_column;
  std::int64_t columns;
  MUY_HD void operator()(std::int64_t i) const {
    const std::int64_t row = i / columns, column = i % columns;
    to[row * to_row + column * to_column] = from[row * from_row + column * from_column];
  }
};

// Element i of [heads, rows]: the dot product of row and head of x and y [rows, heads * width].
template <class T>
struct HeadDot {
  const T *x, *y;
  std::int64_t rows, heads, width;
  Accumulator<T>* to;
  MUY_HD void operator()(std::int64_t i) const {
    using A = Accumulator<T>;
    const std::int64_t head = i / rows, row = i % rows, first = (row * heads + head) * width;
    A sum = 0;
    for (std::int64_t e = first; e < first + width; ++e)
      sum += static_cast<A>(x[e]) * static_cast<A>(y[e]);
    to[i] = sum;
  }
};

// What cuDNN wants to know of a packing, written from a kernel's parameters: for clip `base` + i
// where its queries and keys begin in each operand, and how many there are.
struct SequenceTables {
  static constexpr int kClips = 128;
  static constexpr int kOperands = 8;
  std::int32_t first_query[kClips], queries[kClips];  // of the clips from `base` on
  std::int32_t first_key[kClips], keys[kClips];
  std::int64_t strides[kOperands];  // elements of a row
  bool of_keys[kOperands];
  std::int64_t base;
  std::int64_t batch;
  std::int64_t* first;    // [kOperands, batch + 1]
  std::int32_t* lengths;  // [2, batch]
  MUY_HD void operator()(std::int64_t i) const {
    const std::int64_t clip = base + i;
    for (int operand = 0; operand < kOperands; ++operand)
      first[operand * (batch + 1) + clip] =
          (of_keys[operand] ? first_key[i] : first_query[i]) * strides[operand];
    if (clip == batch) return;
    lengths[clip] = queries[i];
    lengths[batch + clip] = keys[i];
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ELEMENTS(StridedCopy)
MUY_ELEMENTS(SequenceTables)
MUY_FLOATS(MUY_ELEMENTS, HeadDot)
}  // namespace muybridge
