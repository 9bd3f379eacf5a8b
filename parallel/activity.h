#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "core/system/timeline.h"

namespace muybridge {

// What a rank is at.
enum class Section : std::uint8_t { kOther, kData, kCompute, kOptimizer, kCommit, kEvaluation };
constexpr std::size_t kSections = 6;
const char* name_of(Section section);  // "forward and backward"

using SectionSeconds = std::array<double, kSections>;

// What the rank's own thread, the one that makes this, is doing, as its communication thread sees
// it; and how long it computed in each section, without what it waited for other ranks.
class Activity {
 public:
  using Clock = std::chrono::steady_clock;

  Activity();

  // By the rank's own thread. A section lasts until the next begins.
  void begin(Section section);
  // The longest that a healthy rank goes without a word to others while it computes a step; other
  // sections may take as long as they like.
  void set_patience(double seconds) { patience_ = seconds; }
  // Of each section since the last call; 0 of those that it was not in.
  SectionSeconds take();

  // By any thread: that of the rank has called an operation of a group, or waits for one.
  void called() {
    if (is_owner()) active_at_ = Clock::now();
  }
  class Wait {
   public:
    explicit Wait(Activity* activity);
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

   private:
    Activity* activity_;  // null where another thread waits
    Clock::time_point begin_;
  };

  Timeline timeline;  // of the rank

  struct State {
    Section section;
    double busy_seconds;  // since it last called or waited for an operation; 0 while it waits
    double patience;      // of the section
  };
  State state(Clock::time_point now) const;
  Section section() const { return section_; }
  pthread_t thread() const { return thread_; }

 private:
  bool is_owner() const { return std::this_thread::get_id() == owner_; }
  void count(Clock::time_point now);

  const std::thread::id owner_;
  const pthread_t thread_;
  std::atomic<Section> section_{Section::kOther};
  std::atomic<double> patience_;
  std::atomic<Clock::time_point> active_at_;
  std::atomic<bool> waits_{false};
  // Of the rank's own thread alone.
  SectionSeconds seconds_{};
  Clock::time_point counted_at_;
  Clock::duration waited_{};  // since then
};

// A section within another, which then goes on.
class InSection {
 public:
  InSection(Activity& activity, Section section) : activity_(activity), outer_(activity.section()) {
    activity_.begin(section);
  }
  ~InSection() { activity_.begin(outer_); }
  InSection(const InSection&) = delete;
  InSection& operator=(const InSection&) = delete;

 private:
  Activity& activity_;
  Section outer_;
};

}  // namespace muybridge
