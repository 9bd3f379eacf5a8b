#pragma once

#include <cstdint>
#include <string>

#include "core/system/progress_bar.h"
#include "train/records/metrics.h"

namespace muybridge {

// "12.3k" "4.56M": three digits and a unit.
std::string format_quantity(double value);

// "step 300/2000  loss 0.1234  grad 1.02  45.1k tokens/s  0.31 TFLOP/s  data wait 0.2%"
std::string progress_text(const StepMetrics& metrics, std::int64_t steps, double tokens_per_second);

// Tells a person how training goes: on a terminal a bar, elsewhere a line of the log every `every`
// steps. Only rank 0 has one.
class TrainingProgress {
 public:
  // `first`: the steps already done when the run goes on.
  TrainingProgress(std::int64_t first, std::int64_t steps, int every);

  void update(const StepMetrics& metrics);
  void clear() { bar_.clear(); }

 private:
  std::int64_t first_;
  std::int64_t steps_;
  int every_;
  double seconds_per_step_ = 0;  // moving means
  double tokens_per_second_ = 0;
  ProgressBar bar_;
};

}  // namespace muybridge
