#pragma once

#include "core/ops/attention/rope.h"
#include "core/ops/norm.h"
#include "core/packing.h"
#include "core/slice.h"

namespace muybridge {

// Which of a batch's rows a rank has. Its segment is an equal part of all rows, which the ranks of
// a context group divide; of its segment it holds an equal part between the layers that ranks of a
// tensor group share, and all of it inside of them.
struct RowShare {
  int segment = 0, segments = 1;
  int part = 0, parts = 1;

  // Throws std::invalid_argument unless the rows divide.
  Slice of_segment(std::int64_t rows) const;
  Slice own(std::int64_t rows) const;
};

// What layers look up about the tokens of one packed batch. Made once a batch, shared by all
// blocks.
struct TokenLayout {
  Packing packing;  // of the whole batch
  Packing queries;  // of this rank's segment: the parts of clips that lie in it, one after another
  Slice own;        // this rank's rows
  ClipRows clips;   // of its own rows
  Tensor rope;      // of its segment, [rows, E], see rope_table
  Tensor sines;     // of its own rows, [rows, D], see sine_positions; may be undefined

  TokenLayout(const Packing& tokens, const RopeAxes& axes, DType compute, Device device,
              const RowShare& share = {});

  // This rank's rows of a tensor of all.
  Tensor own_rows(const Tensor& all) const { return all.rows(own.begin, own.length); }
};

// Fixed sines of each token's place, [T, width] of `dtype` (Vaswani et al. 2017, over three axes):
// for time, then rows, then columns [sin | cos] of position * 10000^(-2i / w), where rows and
// columns have w = 2 floor(width / 6) each and time the rest. Slack rows are zero.
Tensor sine_positions(const Packing& packing, std::int64_t width, DType dtype);

}  // namespace muybridge
