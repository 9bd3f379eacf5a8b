#include "data/prepare/prepare_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace muybridge {

PrepareProgress::PrepareProgress(std::size_t sources)
    : on_(::isatty(STDERR_FILENO) != 0 && sources > 0),
      total_(static_cast<double>(std::max<std::size_t>(sources, 1))),
      start_(Clock::now()) {}

PrepareProgress::~PrepareProgress() {
  if (on_) fmt::print(stderr, "\r\x1B[K");
}

void PrepareProgress::show(double sources, std::int64_t clips, std::int64_t skipped,
                           std::int64_t frames) {
  if (!on_) return;
  const auto now = Clock::now();
  if (now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  constexpr int kWidth = 24;
  const double done = std::clamp(sources / total_, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(done * kWidth);
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  const double seconds = std::max(std::chrono::duration<double>(now - start_).count(), 1e-3);
  const double left = done > 0.01 ? seconds * (1 - done) / done : 0;
  fmt::print(stderr, "\r[{}] {:3.0f}% {:.0f}/{:.0f} files, {} clips, {} skipped, {:.0f} frames/s",
             bar, 100 * done, sources, total_, clips, skipped,
             static_cast<double>(frames) / seconds);
  if (left > 0) {
    fmt::print(stderr, ", {}:{:02d} left", static_cast<int>(left) / 60,
               static_cast<int>(left) % 60);
  }
  fmt::print(stderr, "\x1B[K");
  std::fflush(stderr);
}

}  // namespace muybridge
