#pragma once

#include "train/records/metrics.h"
#include "train/records/progress.h"
#include "train/records/run_folder.h"
#include "train/records/tensorboard_clips.h"

namespace muybridge {

// What rank 0 keeps of each step: a line of metrics.jsonl, the same for TensorBoard, the progress
// on the terminal.
class RunRecords {
 public:
  // Goes on after `step` of `steps`; what was recorded of later steps is removed.
  RunRecords(const RunFolder& run, std::int64_t step, std::int64_t steps, int log_every);

  void add(const StepMetrics& metrics);
  // The clips of an evaluation, for TensorBoard.
  void add_clips(const std::filesystem::path& folder, const SampleSet& clips) {
    muybridge::add_clips(tensorboard_, folder, clips);
  }
  std::int64_t last_step() const { return metrics_.last_step(); }
  // To the disk: a commit relies on the lines up to its step.
  void sync() const { metrics_.sync(); }
  // Takes the progress bar away while something else is printed.
  void clear_progress() { progress_.clear(); }

 private:
  MetricsLog metrics_;
  TensorBoardWriter tensorboard_;
  TrainingProgress progress_;
};

}  // namespace muybridge
