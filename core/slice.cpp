#include "core/slice.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "core/tensor.h"

namespace muybridge {

std::vector<Slice> part_of(const Slice& slice, std::int64_t begin, std::int64_t length) {
  if (begin < 0 || length < 0 || begin + length > slice.numel())
    throw std::invalid_argument(fmt::format("slice: elements [{}, {}) of one that has {}", begin,
                                            begin + length, slice.numel()));
  std::vector<Slice> parts;
  const auto within_run = [&](std::int64_t elements) {
    if (elements == 0) return;
    parts.push_back(Slice::range(slice.at(begin), elements));
    begin += elements;
    length -= elements;
  };
  if (length > 0 && begin % slice.length != 0)
    within_run(std::min(length, slice.length - begin % slice.length));
  if (const std::int64_t runs = slice.length == 0 ? 0 : length / slice.length; runs > 0) {
    const std::int64_t stride = runs == 1 ? slice.length : slice.stride;
    parts.push_back({slice.at(begin), slice.length, stride, runs});
    begin += runs * slice.length;
    length -= runs * slice.length;
  }
  within_run(length);
  return parts;
}

Shape share_shape(const Shape& whole, const Split& split) {
  if (split.parts == 1) return whole;
  if (split.axis < 0 || split.axis >= whole.rank() || split.segments < 1 || split.parts < 1 ||
      split.part < 0 || split.part >= split.parts ||
      whole[split.axis] % (std::int64_t{split.segments} * split.parts) != 0)
    throw std::invalid_argument(
        fmt::format("split: part {} of {} of each of {} segments of dimension {} of {}", split.part,
                    split.parts, split.segments, split.axis, whole));
  std::vector<std::int64_t> extents(whole.extents().begin(), whole.extents().end());
  extents[static_cast<std::size_t>(split.axis)] /= split.parts;
  return Shape(extents);
}

Slice share_slice(const Shape& whole, const Split& split) {
  if (split.parts == 1) return Slice::range(0, whole.numel());
  const std::int64_t length =
      share_shape(whole, split).numel() == 0 ? 0 : whole[split.axis] / split.segments;
  const auto product = [](std::span<const std::int64_t> extents) {
    return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
  };
  const auto axis = static_cast<std::size_t>(split.axis);
  const std::int64_t outer = product(whole.extents().first(axis)),
                     inner = product(whole.extents().subspan(axis + 1));
  const std::int64_t stride = length * inner, run = stride / split.parts;
  const std::int64_t runs = outer * split.segments;
  return {split.part * run, run, runs == 1 ? run : stride, runs};
}

void gather(const Tensor& whole, const Slice& slice, const Tensor& part) {
  const std::size_t size = size_of(whole.dtype());
  const auto* const from = static_cast<const std::byte*>(whole.raw());
  auto* const to = static_cast<std::byte*>(part.raw());
  for (std::int64_t run = 0; run < slice.count; ++run)
    std::memcpy(to + run * slice.length * size, from + (slice.begin + run * slice.stride) * size,
                slice.length * size);
}

void scatter(const Tensor& part, const Slice& slice, const Tensor& whole) {
  const std::size_t size = size_of(whole.dtype());
  const auto* const from = static_cast<const std::byte*>(part.raw());
  auto* const to = static_cast<std::byte*>(whole.raw());
  for (std::int64_t run = 0; run < slice.count; ++run)
    std::memcpy(to + (slice.begin + run * slice.stride) * size, from + run * slice.length * size,
                slice.length * size);
}

}  // namespace muybridge
