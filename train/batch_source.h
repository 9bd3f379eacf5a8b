#pragma once

#include "data/loader/batch.h"

namespace muybridge {

// Where a replica of the model gets the micro-batches of its steps. All ranks of the replica call
// it alike and get the same.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  // How many micro-batches of the step that begins are this replica's; may be none.
  virtual int begin_step() = 0;
  virtual Batch next() = 0;
  virtual double wait_seconds() const = 0;  // spent in the two, since the start
};

}  // namespace muybridge
