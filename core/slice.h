#pragma once

#include <cstdint>
#include <vector>

#include "core/shape.h"

namespace muybridge {

class Tensor;

// Elements of a flattened tensor: `count` runs of `length`, the starts `stride` apart. One run is a
// range; several are a share of some dimension, as tensor parallelism cuts it.
struct Slice {
  std::int64_t begin = 0;
  std::int64_t length = 0;
  std::int64_t stride = 0;
  std::int64_t count = 1;

  static Slice range(std::int64_t begin, std::int64_t length) { return {begin, length, length, 1}; }

  std::int64_t numel() const { return length * count; }
  // Where element i of the slice lies in the tensor.
  std::int64_t at(std::int64_t i) const { return begin + i / length * stride + i % length; }
  bool operator==(const Slice&) const = default;
};

// Elements [begin, begin + length) of the slice, in its own order, as at most three slices.
std::vector<Slice> part_of(const Slice& slice, std::int64_t begin, std::int64_t length);

// How a whole tensor is shared: dimension `axis` has `segments` equal parts (the projections that a
// fused matrix holds); of each the rank has the `part`-th of `parts` equal pieces.
struct Split {
  int axis = 0;
  int segments = 1;
  int part = 0;
  int parts = 1;

  bool operator==(const Split&) const = default;
};

// The share's shape and its elements in the whole. Throws std::invalid_argument where the dimension
// does not divide.
Shape share_shape(const Shape& whole, const Split& split);
Slice share_slice(const Shape& whole, const Split& split);

// The slice's elements of `whole` -> `part`, and back: both flat in their order, of one element
// type, on the CPU.
void gather(const Tensor& whole, const Slice& slice, const Tensor& part);
void scatter(const Tensor& part, const Slice& slice, const Tensor& whole);

}  // namespace muybridge
