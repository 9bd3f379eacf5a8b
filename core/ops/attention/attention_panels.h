#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "core/ops/attention/attention_kernel.h"
#include "core/ops/attention/tile_product.h"
#include "core/parallel_for.h"

// One head of one clip, copied out of the packed rows into padded panels that the tile product can
// run over: in the compute type C, zero beyond the clip's tokens and the head's width.
namespace muybridge::cpu {

inline std::int64_t padded(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// One (clip, head) pair: tokens [begin, begin + count) and the columns of the head.
struct HeadSpan {
  std::int64_t begin;
  std::int64_t count;
  std::int64_t head;
};

// panel[count -> rows, head_width -> panel_width] = x.
template <class T, class C>
void pack_rows(const HeadColumns& x, const HeadSpan& span, std::int64_t head_width, C* panel,
               std::int64_t rows, std::int64_t panel_width) {
  const std::int64_t stride = x.x.shape().back();
  const T* in = x.x.data<T>() + span.begin * stride + x.column + span.head * head_width;
  for (std::int64_t i = 0; i < span.count; ++i, in += stride) {
    C* const out = panel + i * panel_width;
    for (std::int64_t e = 0; e < head_width; ++e) out[e] = static_cast<C>(in[e]);
    std::fill(out + head_width, out + panel_width, C{0});
  }
  std::fill(panel + span.count * panel_width, panel + rows * panel_width, C{0});
}

// A head's rows as an operand of products.
template <class C>
struct HeadRows {
  const C* data;
  std::int64_t stride;

  HeadRows from(std::int64_t row) const { return {data + row * stride, stride}; }
  Operand<C> operand() const { return {data, stride, 1}; }
};

// Whether products can read the rows where they lie: of the compute type, without edges.
template <class T, class C>
bool in_place(std::int64_t count, std::int64_t head_width) {
  return std::is_same_v<T, C> && count % kRowPadding == 0 && head_width % kLanes<C> == 0;
}

// The rows of a span where they lie, or else packed into `panel`.
template <class T, class C>
HeadRows<C> rows_of(const HeadColumns& x, const HeadSpan& span, std::int64_t head_width, C* panel,
                    std::int64_t rows, std::int64_t panel_width) {
  if constexpr (std::is_same_v<T, C>) {
    const std::int64_t stride = x.x.shape().back();
    if (in_place<T, C>(span.count, head_width))
      return {x.x.data<T>() + span.begin * stride + x.column + span.head * head_width, stride};
  }
  pack_rows<T, C>(x, span, head_width, panel, rows, panel_width);
  return {panel, panel_width};
}

// panel[head_width, count -> columns] = the transpose of x, times factor.
template <class T, class C>
void pack_columns(const HeadColumns& x, const HeadSpan& span, std::int64_t head_width, C factor,
                  C* panel, std::int64_t columns) {
  const std::int64_t stride = x.x.shape().back();
  const T* const in = x.x.data<T>() + span.begin * stride + x.column + span.head * head_width;
  constexpr std::int64_t kStrip = 16;
  for (std::int64_t i0 = 0; i0 < span.count; i0 += kStrip) {
    const std::int64_t i1 = std::min(i0 + kStrip, span.count);
    for (std::int64_t e = 0; e < head_width; ++e)
      for (std::int64_t i = i0; i < i1; ++i)
        panel[e * columns + i] = static_cast<C>(in[i * stride + e]) * factor;
  }
  for (std::int64_t e = 0; e < head_width; ++e)
    std::fill(panel + e * columns + span.count, panel + (e + 1) * columns, C{0});
}

// The inverse of pack_rows; row i is multiplied by factor(i).
template <class T, class C, class F>
void unpack_rows(const C* panel, std::int64_t panel_width, const HeadColumns& x,
                 const HeadSpan& span, std::int64_t head_width, const F& factor) {
  const std::int64_t stride = x.x.shape().back();
  T* out = x.x.data<T>() + span.begin * stride + x.column + span.head * head_width;
  for (std::int64_t i = 0; i < span.count; ++i, out += stride) {
    const C* const row = panel + i * panel_width;
    const C by = factor(i);
#pragma omp simd
    for (std::int64_t e = 0; e < head_width; ++e) out[e] = static_cast<T>(row[e] * by);
  }
}

// Sets the elements [used, columns) of a row; `columns` is a multiple of a vector.
template <class C>
void fill_tail(C* row, std::int64_t used, std::int64_t columns, C value) {
  for (std::int64_t j = used / kLanes<C> * kLanes<C>; j < columns; j += kLanes<C>) {
#pragma omp simd
    for (int lane = 0; lane < kLanes<C>; ++lane)
      row[j + lane] = j + lane < used ? row[j + lane] : value;
  }
}

// Zeroes the columns of all heads in rows from `used` on.
template <class T>
void zero_slack(const HeadColumns& x, std::int64_t used, std::int64_t width) {
  const std::int64_t rows = x.x.shape().rows(), stride = x.x.shape().back();
  for (std::int64_t row = used; row < rows; ++row) {
    T* const out = x.x.data<T>() + row * stride + x.column;
    std::fill(out, out + width, T{});
  }
}

}  // namespace muybridge::cpu
