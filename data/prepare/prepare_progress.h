#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace muybridge {

// A bar on stderr, drawn only if that is a terminal.
class PrepareProgress {
 public:
  explicit PrepareProgress(std::size_t sources);
  ~PrepareProgress();
  PrepareProgress(const PrepareProgress&) = delete;
  PrepareProgress& operator=(const PrepareProgress&) = delete;

  // Redraws at most ten times a second. `sources` may have a part of one.
  void show(double sources, std::int64_t clips, std::int64_t skipped, std::int64_t frames);

 private:
  using Clock = std::chrono::steady_clock;
  bool on_;
  double total_;
  Clock::time_point start_;
  Clock::time_point drawn_;
};

}  // namespace muybridge
