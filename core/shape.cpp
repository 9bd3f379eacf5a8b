#include "core/shape.h"

#include <fmt/ranges.h>

#include <stdexcept>

namespace muybridge {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) {
  if (extents.size() > kMaxRank)
    throw std::invalid_argument(
        fmt::format("shape: {} dimensions, at most {} are supported", extents.size(), kMaxRank));
  for (const std::int64_t extent : extents) {
    if (extent < 0)
      throw std::invalid_argument(fmt::format("shape: negative extent in {}", extents));
    extents_[rank_++] = extent;
  }
  std::int64_t product = 1;
  for (const std::int64_t extent : extents)
    if (extent > 0 && __builtin_mul_overflow(product, extent, &product))
      throw std::invalid_argument(fmt::format("shape: {} has too many elements", extents));
}

std::int64_t Shape::numel() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents()) product *= extent;
  return product;
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.extents(), ", "));
}

}  // namespace muybridge
