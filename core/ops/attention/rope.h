#pragma once

#include <functional>

#include "core/packing.h"
#include "core/slice.h"
#include "core/tape.h"

namespace muybridge {

// T tokens  A heads  E head width  D = A E

// How the head width is shared among the axes, each even; RoFormer (Su et al. 2021) over three
// axes.
struct RopeAxes {
  std::int64_t frames = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  double theta = 10000.0;

  std::int64_t head_width() const { return frames + height + width; }
  // As in Wan2.1: height and width get 2 floor(E / 6) each, frames the rest.
  static RopeAxes of_head_width(std::int64_t head_width, double theta = 10000.0);
  // All of the head width to one axis, for text.
  static RopeAxes of_sequence(std::int64_t head_width, double theta = 10000.0);
};

// Cosines and sines of every token's angles, [T, E]: pair p at columns 2p, 2p + 1. Angles are
// computed in f64. Slack rows are not rotated. `dtype` is f32 or f64. The overload: only these rows
// [rows.length, E], on this device.
Tensor rope_table(const Packing& packing, const RopeAxes& axes, DType dtype = DType::kF32);
Tensor rope_table(const Packing& packing, const RopeAxes& axes, DType dtype, const Slice& rows,
                  Device device);

// Rows that are wider than what a rank holds of them: `parts` ranks hold an equal part each, and
// `sum` makes of each rank's sums over its part those over the whole rows, in place.
struct SharedRows {
  int parts = 1;
  std::function<void(const Tensor& sums)> sum = {};
};

// The row of a fused projection, in blocks of D columns: the first weights.size() blocks are
// RMS-normalised over their full width (of all parts, where it is shared), multiplied by their
// weight [D], and rotated where a table [T, E] is given; the blocks after them are copied. So
// [q k v] with two weights serves self-attention, [q] and [k v] with one serve cross-attention.
Var qk_norm_rope(const Var& x, const std::vector<Var>& weights_D, std::int64_t heads,
                 const Tensor& rope_TE, double eps, const SharedRows& shared = {});

}  // namespace muybridge
