#pragma once

#include <cstdint>

#include "core/lanes.h"

// The register-blocked matrix product that attention is built of. Operands are padded by their
// packer, so that there are no edges: rows to kTileRows, columns to one vector.
namespace muybridge::cpu {

inline constexpr int kTileRows = kVectorBytes == 64 ? 8 : 4;
inline constexpr std::int64_t kRowPadding = 8;

// A matrix seen as a(row, k) = data[row * row_stride + k * k_stride]: transposes cost nothing.
template <class C>
struct Operand {
  const C* data;
  std::int64_t row_stride;
  std::int64_t k_stride;
};

// c[kTileRows, kVectors * lanes] (+)= a[kTileRows, k] b[k, ..], b and c row-major.
template <class C, int kVectors>
inline void tile_product(const Operand<C>& a, const C* b, std::int64_t b_stride, std::int64_t k,
                         C* c, std::int64_t c_stride, bool accumulate) {
  using Vector = typename VectorOf<C>::type;
  Vector sum[kTileRows][kVectors];
  for (int r = 0; r < kTileRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = accumulate ? *reinterpret_cast<const Vector*>(c + r * c_stride + v * kLanes<C>)
                             : Vector{};
  const C* a_k = a.data;
  for (std::int64_t step = 0; step < k; ++step, a_k += a.k_stride, b += b_stride) {
    Vector row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) row[v] = *reinterpret_cast<const Vector*>(b + v * kLanes<C>);
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
      const C factor = a_k[r * a.row_stride];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] += factor * row[v];
    }
  }
  for (int r = 0; r < kTileRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      *reinterpret_cast<Vector*>(c + r * c_stride + v * kLanes<C>) = sum[r][v];
}

// c[rows, columns] (+)= a[rows, k] b[k, columns]; rows a multiple of kRowPadding, columns of a
// vector.
template <class C>
inline void block_product(const Operand<C>& a, const C* b, std::int64_t b_stride, std::int64_t rows,
                          std::int64_t columns, std::int64_t k, C* c, std::int64_t c_stride,
                          bool accumulate) {
  for (std::int64_t j = 0; j < columns; j += 2 * kLanes<C>) {
    const bool pair = j + kLanes<C> < columns;
    for (std::int64_t r = 0; r < rows; r += kTileRows) {
      const Operand<C> strip{a.data + r * a.row_stride, a.row_stride, a.k_stride};
      if (pair)
        tile_product<C, 2>(strip, b + j, b_stride, k, c + r * c_stride + j, c_stride, accumulate);
      else
        tile_product<C, 1>(strip, b + j, b_stride, k, c + r * c_stride + j, c_stride, accumulate);
    }
  }
}

}  // namespace muybridge::cpu
