#include "train/records/progress.h"

#include <algorithm>
#include <cmath>

#include "core/log.h"

namespace muybridge {
namespace {

// Of recent steps; the first counts alone.
double moving_mean(double mean, double value, std::int64_t steps_seen) {
  const double weight =
      std::max(0.05, 1.0 / static_cast<double>(std::max<std::int64_t>(steps_seen, 1)));
  return mean + weight * (value - mean);
}

}  // namespace

std::string format_quantity(double value) {
  constexpr const char* kUnits[] = {"", "k", "M", "G", "T", "P"};
  int unit = 0;
  // 999.5 would be written as 1e+03.
  while (std::abs(value) >= 999.5 && unit < 5) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.3g}{}", value, kUnits[unit]);
}

std::string progress_text(const StepMetrics& metrics, std::int64_t steps,
                          double tokens_per_second) {
  return fmt::format(
      "step {}/{}  loss {:.4f}  grad {:.3g}  {} tokens/s  {:.3g} TFLOP/s  data wait {:.1f}%",
      metrics.step, steps, metrics.loss, metrics.grad_norm, format_quantity(tokens_per_second),
      metrics.tflops, 100 * metrics.data_wait);
}

TrainingProgress::TrainingProgress(std::int64_t first, std::int64_t steps, int every)
    : first_(first),
      steps_(steps),
      every_(std::max(every, 1)),
      bar_(static_cast<double>(steps), static_cast<double>(first)) {}

void TrainingProgress::update(const StepMetrics& metrics) {
  const std::int64_t seen = metrics.step - first_;
  seconds_per_step_ = moving_mean(seconds_per_step_, metrics.seconds, seen);
  if (metrics.seconds > 0)
    tokens_per_second_ = moving_mean(tokens_per_second_,
                                     static_cast<double>(metrics.tokens) / metrics.seconds, seen);
  const std::string text = progress_text(metrics, steps_, tokens_per_second_);
  if (bar_.on_terminal())
    bar_.update(static_cast<double>(metrics.step), text);
  else if (metrics.step == steps_ || metrics.step % every_ == 0)
    log_info("{}  ETA {}", text,
             format_duration(seconds_per_step_ * static_cast<double>(steps_ - metrics.step)));
}

}  // namespace muybridge
