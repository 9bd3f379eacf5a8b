#pragma once

#include <cstdint>

#include "core/float8.h"
#include "core/functor.h"

namespace muybridge::functor {

// to[row] = the largest magnitude of a row of up to kColumns of n numbers over `divisor`, or
// `least` where that is more.
template <class T>
struct LargestMagnitude {
  using A = Accumulator<T>;
  static constexpr std::int64_t kColumns = 4096;
  const T* x;
  std::int64_t n;
  A divisor, least;
  A* to;

  MUY_HD static std::int64_t columns() { return kColumns; }
  bool in_packs() const { return functor::in_packs(n, x); }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t row) const {
    const std::int64_t left = n - row * kColumns, count = left < kColumns ? left : kColumns;
    const auto in = team.read(x + row * kColumns, count);
    const A most = team.template largest<A>(count, [&](auto at) {
      const A value = static_cast<A>(in[at]);
      return value < 0 ? -value : value;
    });
    if (team.leader()) to[row] = most / divisor > least ? most / divisor : least;
  }
};

// Codes of 8 bits for x [rows, columns] over *scale, as they lie and by columns, each where it is
// asked for. x lies at a multiple of 16 bytes, `columns` are a multiple of kTileColumns. A row is a
// tile of kTileRows of them; what a tile has beyond the last row is zero by columns.
template <class T, class F>
struct Quantize {
  static constexpr int kTileRows = 16, kTileColumns = 4;
  const T* x;
  const float* scale;
  std::int64_t rows, columns;
  F* by_rows;     // [rows, columns]
  F* by_columns;  // [columns, rows rounded up to whole tiles]

  struct alignas(kTileColumns * sizeof(T)) Pack {
    T columns[kTileColumns];
  };
  struct alignas(kTileColumns) Codes {
    F columns[kTileColumns];
  };
  struct alignas(kTileRows) Column {
    F rows[kTileRows];
  };

  std::int64_t bytes() const {
    const int codes = (by_rows ? 1 : 0) + (by_columns ? 1 : 0);
    return kTileRows * columns * (static_cast<std::int64_t>(sizeof(T)) + codes);
  }
  template <class Team>
  MUY_HD void operator()(const Team& team, std::int64_t tile) const {
    const float factor = 1 / *scale;
    const std::int64_t first = tile * kTileRows;
    const std::int64_t padded = (rows + kTileRows - 1) / kTileRows * kTileRows;
    const int used = static_cast<int>(rows - first < kTileRows ? rows - first : kTileRows);
    team.each(columns / kTileColumns, [&](std::int64_t pack) {
      const std::int64_t corner = first * columns + pack * kTileColumns;
      Column turned[kTileColumns];
      MUY_UNROLL
      for (int i = 0; i < kTileRows; ++i) {
        Codes codes{};
        if (i < used) {
          const Pack in = *reinterpret_cast<const Pack*>(x + corner + i * columns);
          MUY_UNROLL
          for (int j = 0; j < kTileColumns; ++j)
            codes.columns[j] = F(static_cast<float>(in.columns[j]) * factor);
          if (by_rows) *reinterpret_cast<Codes*>(by_rows + corner + i * columns) = codes;
        }
        MUY_UNROLL
        for (int j = 0; j < kTileColumns; ++j) turned[j].rows[i] = codes.columns[j];
      }
      if (!by_columns) return;
      F* const to = by_columns + pack * kTileColumns * padded + first;
      MUY_UNROLL
      for (int j = 0; j < kTileColumns; ++j)
        *reinterpret_cast<Column*>(to + j * padded) = turned[j];
    });
  }
};

}  // namespace muybridge::functor

namespace muybridge {
MUY_ROWS(LargestMagnitude<float>)
MUY_ROWS(LargestMagnitude<bf16>)
MUY_ROWS(Quantize<float, F8E4M3>)
MUY_ROWS(Quantize<float, F8E5M2>)
MUY_ROWS(Quantize<bf16, F8E4M3>)
MUY_ROWS(Quantize<bf16, F8E5M2>)
}  // namespace muybridge
