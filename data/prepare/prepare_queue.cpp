#include "data/prepare/prepare_queue.h"

#include <algorithm>

namespace muybridge {

PrepareQueue::PrepareQueue(std::size_t sources, std::size_t most_waiting_bytes)
    : sources_(sources), most_waiting_bytes_(most_waiting_bytes) {}

// The unit that the writer waits for may always start; it is the first of those not yet handed out.
bool PrepareQueue::may_start() const {
  if (pending_.empty() && next_source_ >= sources_) return false;
  if (waiting_bytes_ < most_waiting_bytes_) return true;
  return (pending_.empty() ? Place{next_source_, 0} : pending_.begin()->first) == head_;
}

std::optional<PrepareTask> PrepareQueue::next_task() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || head_.first >= sources_ || may_start(); });
  if (stopped_ || head_.first >= sources_) return std::nullopt;
  if (!pending_.empty()) {
    auto node = pending_.extract(pending_.begin());
    return PrepareTask{node.key().first, node.key().second, std::move(node.mapped())};
  }
  known_[next_source_] = Known{};
  return PrepareTask{next_source_++, 0, nullptr};
}

void PrepareQueue::expect_units(const PrepareTask& task, std::int64_t units) {
  const std::scoped_lock lock(mutex_);
  const auto found = known_.find(task.source);
  if (found == known_.end() || found->second.complete) return;
  for (; found->second.units < units; ++found->second.units) {
    pending_[{task.source, found->second.units}] = task.opened;
  }
  changed_.notify_all();
}

// The source has exactly so many units: forgets what was begun behind them.
void PrepareQueue::close_source(std::size_t source, std::int64_t units) {
  known_[source] = {units, true};
  const Place end{source, units};
  const Place next{source + 1, 0};
  pending_.erase(pending_.lower_bound(end), pending_.lower_bound(next));
  const auto begin = results_.lower_bound(end);
  const auto stop = results_.lower_bound(next);
  for (auto at = begin; at != stop; ++at) waiting_bytes_ -= at->second.frames.rgb.size();
  results_.erase(begin, stop);
}

void PrepareQueue::finish(PreparedUnit unit) {
  const std::scoped_lock lock(mutex_);
  const auto found = known_.find(unit.source);
  if (found == known_.end() || (found->second.complete && unit.unit >= found->second.units)) return;
  Known& known = found->second;
  // A damaged part may be followed by good ones that are already known of.
  const bool broken = !unit.problem.empty();
  unit.last = (unit.ended && !broken) || (broken && unit.unit + 1 >= known.units);
  if (unit.last) {
    close_source(unit.source, unit.unit + 1);
  } else if (!known.complete && unit.unit + 1 >= known.units) {
    pending_[{unit.source, known.units++}] = unit.opened;
  }
  waiting_bytes_ += unit.frames.rgb.size();
  const Place place{unit.source, unit.unit};
  results_[place] = std::move(unit);
  changed_.notify_all();
}

std::optional<PreparedUnit> PrepareQueue::next_result() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [&] { return stopped_ || head_.first >= sources_ || results_.contains(head_); });
  if (stopped_ || head_.first >= sources_) return std::nullopt;
  PreparedUnit unit = std::move(results_.extract(head_).mapped());
  waiting_bytes_ -= unit.frames.rgb.size();
  const Known& known = known_[unit.source];
  // The end may have been found by a later unit.
  unit.last = known.complete && unit.unit + 1 >= known.units;
  if (unit.last) {
    known_.erase(unit.source);
    head_ = {unit.source + 1, 0};
  } else {
    ++head_.second;
  }
  changed_.notify_all();
  return unit;
}

void PrepareQueue::stop() {
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace muybridge
