#pragma once

#include "data/loader/batch.h"
#include "model/dit_options.h"

namespace muybridge {

// A batch of one token and an empty caption, of the smallest number of rows that `ranks` can share:
// for a replica that has no more micro-batches and goes along with those that have.
Batch idle_batch(const DitOptions& options, int ranks);

}  // namespace muybridge
