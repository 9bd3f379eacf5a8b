#include "parallel/activity.h"

#include <limits>
#include <utility>

namespace muybridge {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();

double seconds_of(Activity::Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

const char* name_of(Section section) {
  switch (section) {
    case Section::kOther:
      return "other work";
    case Section::kData:
      return "reading data";
    case Section::kCompute:
      return "forward and backward";
    case Section::kOptimizer:
      return "the optimizer";
    case Section::kCommit:
      return "a commit";
    case Section::kEvaluation:
      return "an evaluation";
  }
  return "?";
}

Activity::Activity()
    : owner_(std::this_thread::get_id()),
      thread_(::pthread_self()),
      patience_(kForever),
      active_at_(Clock::now()),
      counted_at_(active_at_) {}

void Activity::begin(Section section) {
  const Clock::time_point now = Clock::now();
  count(now);
  section_ = section;
  active_at_ = now;
}

void Activity::count(Clock::time_point now) {
  seconds_[static_cast<std::size_t>(section_.load())] += seconds_of(now - counted_at_ - waited_);
  timeline.add(Timeline::Lane::kSteps, name_of(section_), counted_at_, now);
  counted_at_ = now;
  waited_ = {};
}

SectionSeconds Activity::take() {
  count(Clock::now());
  return std::exchange(seconds_, SectionSeconds{});
}

Activity::Wait::Wait(Activity* activity)
    : activity_(activity != nullptr && activity->is_owner() ? activity : nullptr) {
  if (activity_ == nullptr) return;
  begin_ = Clock::now();
  activity_->waits_ = true;
}

Activity::Wait::~Wait() {
  if (activity_ == nullptr) return;
  const Clock::time_point now = Clock::now();
  activity_->waited_ += now - begin_;
  activity_->timeline.add(Timeline::Lane::kWaits, "wait", begin_, now);
  activity_->active_at_ = now;
  activity_->waits_ = false;
}

Activity::State Activity::state(Clock::time_point now) const {
  const Section section = section_;
  const bool steps = section == Section::kCompute || section == Section::kOptimizer;
  return {.section = section,
          .busy_seconds = waits_ ? 0 : seconds_of(now - active_at_.load()),
          .patience = steps ? patience_.load() : kForever};
}

}  // namespace muybridge
