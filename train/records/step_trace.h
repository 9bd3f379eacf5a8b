#pragma once

#include <cstdint>
#include <string>

#include "core/system/timeline.h"
#include "parallel/mesh.h"
#include "train/records/run_folder.h"

namespace muybridge {

// Timelines of some steps of all ranks on one clock, in a file of the run's folder that Perfetto
// and chrome://tracing draw (Trace Event Format, complete events): a process a rank, with lanes for
// the sections of a step, the work of its micro-batches, what it waited for, and what travelled.
// Begins with the second step of a start, for the first has its preparations.
class StepTrace {
 public:
  // All that is handed in outlives it. `steps` may be 0: nothing is recorded.
  StepTrace(int steps, const RunFolder& run, Timeline& timeline, const Mesh& mesh)
      : steps_(steps), run_(run), timeline_(timeline), mesh_(mesh) {}

  // All ranks at once, around each step of a start.
  void before(std::int64_t step);
  void after(std::int64_t step);
  // When the start is over: writes what there is.
  void finish();

 private:
  void write();
  void write_file();

  int steps_;
  const RunFolder& run_;
  Timeline& timeline_;
  const Mesh& mesh_;
  int seen_ = 0;  // steps of this start
  std::int64_t first_ = 0, last_ = 0;
};

}  // namespace muybridge
