#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace muybridge {

// What a rank did when, for a picture of it. Nothing is kept while it is off. Thread-safe.
class Timeline {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Lane : std::uint8_t { kSteps, kWork, kWaits, kTravel };

  struct Span {
    Lane lane;
    std::string name;
    Clock::time_point begin, end;
  };

  void start() { on_ = true; }
  // All spans since start, and nothing more is kept.
  std::vector<Span> stop();
  bool on() const { return on_; }
  void add(Lane lane, std::string name, Clock::time_point begin, Clock::time_point end);

 private:
  std::atomic<bool> on_{false};
  std::mutex mutex_;
  std::vector<Span> spans_;
};

// From here to the end of the scope; `timeline` may be null.
class TimelineScope {
 public:
  // `name()` is asked only while the timeline is on.
  template <class Name>
  TimelineScope(Timeline* timeline, Timeline::Lane lane, const Name& name)
      : timeline_(timeline != nullptr && timeline->on() ? timeline : nullptr), lane_(lane) {
    if (timeline_ == nullptr) return;
    name_ = name();
    begin_ = Timeline::Clock::now();
  }
  ~TimelineScope() {
    if (timeline_ != nullptr)
      timeline_->add(lane_, std::move(name_), begin_, Timeline::Clock::now());
  }
  TimelineScope(const TimelineScope&) = delete;
  TimelineScope& operator=(const TimelineScope&) = delete;

 private:
  Timeline* timeline_;
  Timeline::Lane lane_;
  std::string name_;
  Timeline::Clock::time_point begin_;
};

}  // namespace muybridge
