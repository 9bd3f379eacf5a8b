#include "core/system/timeline.h"

#include <utility>

namespace muybridge {

std::vector<Timeline::Span> Timeline::stop() {
  on_ = false;
  const std::lock_guard lock(mutex_);
  return std::exchange(spans_, {});
}

void Timeline::add(Lane lane, std::string name, Clock::time_point begin, Clock::time_point end) {
  if (!on_) return;
  const std::lock_guard lock(mutex_);
  spans_.push_back({lane, std::move(name), begin, end});
}

}  // namespace muybridge
