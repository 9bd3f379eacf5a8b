#include "data/media/video_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace muybridge {
namespace {

// Containers round times: intervals that differ by less are of one rate.
constexpr double kSameRate = 1.3;

// A clock that runs backwards by no more may come back: MPEG programs with few times are read so.
constexpr double kSlip = 1;  // seconds

}  // namespace

PictureTime VideoClock::place(std::optional<std::int64_t> ticks, std::int64_t duration) {
  const double stays = static_cast<double>(duration) * tick_;
  PictureTime now{0, stays > 0 && stays <= kLongestPause ? stays : usual_};
  const double expected = last_.begin + last_.duration;
  bool step_is_said = true;
  if (!ticks) {
    ++timeless_;
    if (started_) now.begin = expected;
    if (!started_) origin_ = NAN;  // the first time that comes says where the clock stands
  } else {
    const double said = static_cast<double>(*ticks) * tick_;
    if (!started_) origin_ = said;
    if (std::isnan(origin_)) origin_ = said - expected;
    now.begin = said - origin_ + slip_;
    const double step = now.begin - last_.begin;
    if (slip_ > 0 && now.begin - slip_ > expected - 1.5 * tick_) {  // it has caught up
      now.begin -= slip_;
      slip_ = 0;
    } else if (started_ && step < 0 &&
               step > -(guessed_ ? last_.duration : 0) - 1.5 * tick_) {  // rounded
      now.begin = last_.begin;
    } else if (started_ && (step < 0 || step > kLongestPause)) {
      if (jumps_++ == 0) first_jump_ = {last_.begin, step};
      now.begin = expected;
      if (step >= -kSlip) {
        slip_ = expected - (said - origin_);
      } else {
        origin_ = said - expected;
        slip_ = 0;
      }
      step_is_said = false;
    }
    if (started_ && step_is_said) measure(now.begin - last_.begin);
  }
  started_ = true;
  guessed_ = !ticks;
  ++placed_;
  last_ = now;
  return now;
}

void VideoClock::measure(double interval) {
  if (interval <= 0) return;
  shortest_ = shortest_ > 0 ? std::min(shortest_, interval) : interval;
  longest_ = std::max(longest_, interval);
}

void VideoClock::explain(VideoNotes& notes) const {
  if (timeless_ == placed_ && placed_ > 1) {
    notes.add(fmt::format("its pictures have no times: {:g} a second assumed", 1 / usual_));
  }
  if (longest_ > kSameRate * shortest_ && longest_ - shortest_ > 2.5 * tick_) {
    notes.add(fmt::format("its rate varies: {:.3g} to {:.3g} pictures a second", 1 / longest_,
                          1 / shortest_));
  }
  if (jumps_ > 0) {
    const std::string more = jumps_ > 1 ? fmt::format(" and {} times more", jumps_ - 1) : "";
    notes.add(
        fmt::format("its clock jumps: by {:+.2f} s after {:.2f} s{}; its pictures go on "
                    "without the jump",
                    first_jump_.step, first_jump_.at, more));
  }
}

}  // namespace muybridge
