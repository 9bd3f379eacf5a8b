#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace muybridge {

// The extents of a tensor, outermost first. At most 6 dimensions; a scalar has none.
class Shape {
 public:
  static constexpr int kMaxRank = 6;

  Shape() = default;
  // Throws std::invalid_argument for a negative extent, too many dimensions, or more elements than
  // 63 bits can count.
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const { return rank_; }
  std::int64_t operator[](int dimension) const { return extents_[dimension]; }
  std::int64_t back() const { return extents_[rank_ - 1]; }
  std::int64_t numel() const;
  // Product of all extents but the last: a tensor seen as a matrix [rows, back].
  std::int64_t rows() const { return back() == 0 ? 0 : numel() / back(); }
  std::span<const std::int64_t> extents() const {
    return {extents_.data(), static_cast<std::size_t>(rank_)};
  }
  bool operator==(const Shape&) const = default;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

std::string to_string(const Shape& shape);  // "[4096, 128]"

}  // namespace muybridge

template <>
struct fmt::formatter<muybridge::Shape> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const muybridge::Shape& shape, Context& context) const {
    return fmt::formatter<std::string>::format(muybridge::to_string(shape), context);
  }
};
