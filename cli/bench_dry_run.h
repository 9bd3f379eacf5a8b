#pragma once

#include "cli/bench_jobs.h"

namespace muybridge {

// What one run of a job asks of a device, of which there is none (core/cuda/recorder.h), and how
// long an H200 needs at least at the rates that it was seen to reach: a table, or JSON. The job
// must have run once, so that nothing is asked for that only a first run needs.
void print_dry_run(BenchJob& job, bool json);

}  // namespace muybridge
