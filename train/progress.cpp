#include "train/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/log.h"

namespace muybridge {
namespace {

constexpr std::chrono::milliseconds kRedraw(100);

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// Of recent steps; the first counts alone.
double moving_mean(double mean, double value, std::int64_t steps_seen) {
  const double weight =
      std::max(0.05, 1.0 / static_cast<double>(std::max<std::int64_t>(steps_seen, 1)));
  return mean + weight * (value - mean);
}

}  // namespace

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const auto whole = static_cast<std::int64_t>(std::llround(std::min(seconds, 1e12)));
  const std::int64_t minutes = whole / 60, hours = whole / 3600, days = whole / 86400;
  if (days > 0) return fmt::format("{}d {:02d}h", days, hours % 24);
  if (hours > 0) return fmt::format("{}h {:02d}m", hours, minutes % 60);
  if (minutes > 0) return fmt::format("{}m {:02d}s", minutes, whole % 60);
  return fmt::format("{}s", whole);
}

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

std::string progress_text(const StepMetrics& metrics, std::int64_t steps, double tokens_per_second,
                          double eta_seconds) {
  return fmt::format(
      "step {}/{}  loss {:.4f}  grad {:.3g}  {} tokens/s  {:.3g} TFLOP/s  data wait {:.1f}%  "
      "ETA {}",
      metrics.step, steps, metrics.loss, metrics.grad_norm, format_quantity(tokens_per_second),
      metrics.tflops, 100 * metrics.data_wait, format_duration(eta_seconds));
}

ProgressBar::ProgressBar(std::int64_t first, std::int64_t steps, int every)
    : steps_(steps),
      every_(std::max(every, 1)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      color_(std::getenv("NO_COLOR") == nullptr),
      first_(first),
      last_draw_(Clock::now() - kRedraw) {}

ProgressBar::~ProgressBar() {
  if (!drawn_) return;
  std::fputc('\n', stderr);
  std::fflush(stderr);
}

void ProgressBar::update(const StepMetrics& metrics) {
  const std::int64_t seen = metrics.step - first_;
  seconds_per_step_ = moving_mean(seconds_per_step_, metrics.seconds, seen);
  if (metrics.seconds > 0)
    tokens_per_second_ = moving_mean(tokens_per_second_,
                                     static_cast<double>(metrics.tokens) / metrics.seconds, seen);
  const bool last = metrics.step == steps_;
  const auto text = [&] {
    return progress_text(metrics, steps_, tokens_per_second_,
                         seconds_per_step_ * static_cast<double>(steps_ - metrics.step));
  };
  if (!terminal_) {
    if (last || metrics.step % every_ == 0) log_info("{}", text());
    return;
  }
  if (!last && Clock::now() - last_draw_ < kRedraw) return;
  last_draw_ = Clock::now();
  draw(text(),
       static_cast<double>(metrics.step) / static_cast<double>(std::max<std::int64_t>(steps_, 1)));
}

// A bar fills what the text leaves of the line; a text too long for it is cut.
void ProgressBar::draw(const std::string& text, double share) {
  const int columns = terminal_columns() - 1;
  const int width = std::min(30, columns - static_cast<int>(text.size()) - 3);
  std::string line = text.substr(0, static_cast<std::size_t>(std::max(columns, 0)));
  if (width >= 5) {
    const int full = std::clamp(static_cast<int>(share * width), 0, width);
    const std::string bar(static_cast<std::size_t>(full), '=');
    const std::string rest(static_cast<std::size_t>(width - full), ' ');
    line = color_ ? fmt::format("[\x1b[32m{}\x1b[0m{}] {}", bar, rest, line)
                  : fmt::format("[{}{}] {}", bar, rest, line);
  }
  fmt::print(stderr, "\r{}\x1b[K", line);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace muybridge
