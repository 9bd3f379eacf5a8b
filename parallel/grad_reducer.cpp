#include "parallel/grad_reducer.h"

#include <algorithm>
#include <chrono>
#include <functional>
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
    : places_(parameters.list().size(), kNone) {
  if (!parameters.master().defined())
    throw std::invalid_argument("grad_reducer: the parameters are not allocated");
  const std::int64_t elements = std::max<std::int64_t>(
      1, options.bucket_bytes / static_cast<std::int64_t>(size_of(parameters.master().dtype())));
  const std::vector<ParameterRange>& ranges = parameters.ranges();
  for (std::size_t i = ranges.size(); i-- > 0;) {  // as backward walks them
    const ParameterRange& range = ranges[i];
    const auto copies = static_cast<std::size_t>(range.copies);
    if (copies >= groups.size() || !groups[copies])
      throw std::invalid_argument(
          fmt::format("grad_reducer: no group for parameters of copies {}", range.copies));
    if (groups[copies]->size() == 1 || !range.gradients.defined()) continue;
    std::vector<GradBucket> buckets =
        make_buckets(parameters.list(), range, range.is_shared() ? range.count : elements);
    if (range.is_shared()) buckets.front().kept = range.kept_gradients;
    for (GradBucket& bucket : buckets)
      buckets_.push_back({.group = groups[copies], .bucket = std::move(bucket)});
  }
  // A bucket is complete when backward comes to the first of its parameters.
  std::ranges::stable_sort(buckets_, std::greater(), [](const OfGroup& each) {
    return *std::ranges::min_element(each.bucket.parameters);
  });
  for (std::size_t place = 0; place < buckets_.size(); ++place)
    for (const std::size_t parameter : buckets_[place].bucket.parameters)
      places_[parameter] = place;
  arm();
}

void GradReducer::arm() {
  ready_.assign(places_.size(), false);
  works_.clear();
  for (OfGroup& each : buckets_) each.missing = each.bucket.parameters.size();
}

void GradReducer::on_ready(std::int64_t tag) {
  if (tag < 0) return;
  const auto parameter = static_cast<std::size_t>(tag);
  if (parameter >= ready_.size() || ready_[parameter])
    throw std::logic_error(fmt::format("grad_reducer: parameter {} is {}", tag,
                                       parameter < ready_.size() ? "ready twice" : "unknown"));
  ready_[parameter] = true;
  if (places_[parameter] == kNone) return;
  --buckets_[places_[parameter]].missing;
  while (works_.size() < buckets_.size() && buckets_[works_.size()].missing == 0) launch_next();
}

void GradReducer::launch_next() {
  const auto& [group, bucket, missing] = buckets_[works_.size()];
  works_.push_back(bucket.kept.defined() ? group->reduce_scatter(bucket.gradients, bucket.kept)
                                         : group->all_reduce(bucket.gradients));
}

void GradReducer::finish() {
  early_buckets_ = launched();
  while (works_.size() < buckets_.size()) launch_next();
  const auto begin = std::chrono::steady_clock::now();
  for (const Work& work : works_) work.wait();
  exposed_seconds_ =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  arm();
}

}  // namespace muybridge
