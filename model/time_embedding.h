#pragma once

#include "model/linear.h"

namespace muybridge {

// C clips  D width

// What the blocks and the head are modulated by, of the time of each clip, as in Wan2.1: sines and
// cosines of 1000 t, linear, SiLU, linear; then SiLU and linear for the six rows of a block. All of
// it is f32 (f64 for f64) in any run: its rounding would shift and scale whole clips.
struct TimeEmbedding {
  struct Result {
    Var time;  // [C, D]
    Var rows;  // [C, 6 D]
  };

  Linear in;
  Linear out;
  Linear projection;

  // Parameters time_embedding.0, time_embedding.2 and time_projection.
  TimeEmbedding(Parameters& parameters, std::int64_t width);
  // times [C] in [0, 1], f32 (f64).
  Result operator()(const Tensor& times_C) const;
};

}  // namespace muybridge
