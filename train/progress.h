#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "train/metrics.h"

namespace muybridge {

// "1h 04m", "3m 20s", "12s"
std::string format_duration(double seconds);

// "12.3k" "4.56M": three digits and a unit.
std::string format_quantity(double value);

// "step 300/2000  loss 0.1234  grad 1.02  45.1k tokens/s  0.31 TFLOP/s  data wait 0.2%  ETA 3m 20s"
std::string progress_text(const StepMetrics& metrics, std::int64_t steps, double tokens_per_second,
                          double eta_seconds);

// Tells a person how training goes: on a terminal a bar in the last line, redrawn at most ten times
// a second; elsewhere a plain line of the log every `every` steps. Only rank 0 has one.
class ProgressBar {
 public:
  // `first`: the steps already done when the run goes on. Looks at stderr and NO_COLOR.
  ProgressBar(std::int64_t first, std::int64_t steps, int every);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(const StepMetrics& metrics);
  // Takes the bar away, so that something else can be printed; the next update brings it back.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const std::string& text, double share);

  std::int64_t steps_;
  int every_;
  bool terminal_;
  bool color_;
  bool drawn_ = false;
  double seconds_per_step_ = 0;  // moving mean
  double tokens_per_second_ = 0;
  std::int64_t first_;
  Clock::time_point last_draw_;
};

}  // namespace muybridge
