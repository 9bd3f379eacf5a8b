#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/packing.h"
#include "core/tensor.h"

namespace muybridge {

// One micro-batch: clips laid end to end as patches, and their captions as bytes.
struct Batch {
  Packing packing;
  Tensor tokens;         // f32 [rows, pt*ph*pw*c], in -1..1; rows past packing.used() are zero
  Packing text_packing;  // a clip's caption; never empty, for each begins with kTextBegin
  Tensor text_ids;       // i32 [text_packing.rows]: UTF-8 bytes after kTextBegin
  std::vector<std::int64_t> clip_ids;  // number of the clip in the corpus
  std::vector<std::int64_t> samples;   // ordinal of the draw in the run: the key of its randomness
  std::vector<std::string> captions;   // as given to the model: cut, or empty when dropped
};

constexpr std::int32_t kTextBegin = 256;

// Text comes in multiples of so many rows, so that few shapes of it occur; ids of slack rows are
// kSlackId (core/ops/embedding.h).
constexpr std::int64_t kTextRowStep = 128;

}  // namespace muybridge
