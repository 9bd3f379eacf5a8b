#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "model/dit_options.h"

namespace muybridge {

// How large a micro-batch is.
struct MicroBatchSize {
  std::int64_t tokens = 0;  // rows, filled or not
  std::int64_t text_tokens = 0;
  std::int64_t clips = 0;
};

// Bytes that a rank needs, in round figures: what the tape keeps is counted op by op, what the
// libraries take for themselves is not.
struct MemoryEstimate {
  double weights = 0;      // with gradients, optimizer and average
  double activations = 0;  // of forward and backward of one micro-batch
  double sampling = 0;     // of an evaluation's largest batch of clips
  double batches = 0;      // that are read ahead
  double snapshot = 0;     // the copy that is committed; without room for it commits wait

  double total() const;
};

// `parameters` are the elements of the flat tensors. Unless the options
// recompute whole blocks the activations of all blocks are there at once.
MemoryEstimate estimate_memory(const DitOptions& o, std::int64_t parameters, DType compute,
                               const MicroBatchSize& batch, std::int64_t sampled_tokens,
                               int batches_ahead);

}  // namespace muybridge
