#include "parallel/grad_reducer.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>

namespace muybridge {

std::vector<GradBucket> make_buckets(const std::vector<Parameter>& parameters,
                                     const ParameterRange& range, std::int64_t elements) {
  std::vector<GradBucket> buckets;
  std::int64_t end = range.begin + range.count;
  std::vector<std::size_t> taken;
  for (std::size_t i = parameters.size(); i-- > 0;) {
    const std::int64_t begin = parameters[i].offset;
    if (begin < range.begin || begin >= range.begin + range.count) continue;
    taken.push_back(i);
    if (end - begin < elements && begin != range.begin) continue;
    GradBucket& bucket = buckets.emplace_back(
        GradBucket{.begin = begin, .count = end - begin, .parameters = std::move(taken)});
    if (range.gradients.defined())
      bucket.gradients = range.gradients.rows(begin - range.begin, bucket.count);
    taken.clear();
    end = begin;
  }
  return buckets;
}

GradReducer::GradReducer(const Parameters& parameters,
                         const std::vector<std::shared_ptr<Group>>& groups,
                         const GradReducerOptions& options)
    : places_(parameters.list().size()) {
  if (!parameters.master().defined())
    throw std::invalid_argument("grad_reducer: the parameters are not allocated");
  const std::int64_t elements = std::max<std::int64_t>(
      1, options.bucket_bytes / static_cast<std::int64_t>(size_of(parameters.master().dtype())));
  std::map<int, std::size_t> lane_of;  // by copies
  const std::vector<ParameterRange>& ranges = parameters.ranges();
  for (std::size_t i = ranges.size(); i-- > 0;) {  // as backward walks them
    const ParameterRange& range = ranges[i];
    const auto copies = static_cast<std::size_t>(range.copies);
    if (copies >= groups.size() || !groups[copies])
      throw std::invalid_argument(
          fmt::format("grad_reducer: no group for parameters of copies {}", range.copies));
    if (groups[copies]->size() == 1 || !range.gradients.defined()) continue;
    const auto [place, is_new] = lane_of.try_emplace(range.copies, lanes_.size());
    if (is_new) lanes_.push_back({.group = groups[copies], .buckets = {}});
    Lane& lane = lanes_[place->second];
    std::vector<GradBucket> buckets =
        make_buckets(parameters.list(), range, range.is_shared() ? range.count : elements);
    if (range.is_shared()) buckets.front().kept = range.kept_gradients;
    for (GradBucket& bucket : buckets) {
      for (const std::size_t parameter : bucket.parameters)
        places_[parameter] = {.lane = static_cast<int>(place->second),
                              .bucket = lane.buckets.size()};
      lane.buckets.push_back(std::move(bucket));
    }
  }
  arm();
}

std::size_t GradReducer::buckets() const {
  std::size_t count = 0;
  for (const Lane& lane : lanes_) count += lane.buckets.size();
  return count;
}

int GradReducer::launched() const {
  std::size_t count = 0;
  for (const Lane& lane : lanes_) count += lane.works.size();
  return static_cast<int>(count);
}

void GradReducer::arm() {
  ready_.assign(places_.size(), false);
  for (Lane& lane : lanes_) {
    lane.works.clear();
    lane.missing.clear();
    for (const GradBucket& bucket : lane.buckets) lane.missing.push_back(bucket.parameters.size());
  }
}

void GradReducer::on_ready(std::int64_t tag) {
  if (tag < 0) return;
  const auto parameter = static_cast<std::size_t>(tag);
  if (parameter >= ready_.size() || ready_[parameter])
    throw std::logic_error(fmt::format("grad_reducer: parameter {} is {}", tag,
                                       parameter < ready_.size() ? "ready twice" : "unknown"));
  ready_[parameter] = true;
  const Place& place = places_[parameter];
  if (place.lane < 0) return;
  Lane& lane = lanes_[static_cast<std::size_t>(place.lane)];
  --lane.missing[place.bucket];
  while (lane.works.size() < lane.buckets.size() && lane.missing[lane.works.size()] == 0)
    launch_next(lane);
}

void GradReducer::launch_next(Lane& lane) {
  const GradBucket& bucket = lane.buckets[lane.works.size()];
  lane.works.push_back(bucket.kept.defined()
                           ? lane.group->reduce_scatter(bucket.gradients, bucket.kept)
                           : lane.group->all_reduce(bucket.gradients));
}

void GradReducer::finish() {
  early_buckets_ = launched();
  for (Lane& lane : lanes_)
    while (lane.works.size() < lane.buckets.size()) launch_next(lane);
  const auto begin = std::chrono::steady_clock::now();
  for (const Lane& lane : lanes_)
    for (const Work& work : lane.works) work.wait();
  exposed_seconds_ =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  arm();
}

}  // namespace muybridge
