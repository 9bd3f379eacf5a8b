#include "parallel/grad_reducer.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace muybridge {

std::vector<GradBucket> make_buckets(const std::vector<Parameter>& parameters,
                                     std::int64_t flat_size, std::int64_t elements) {
  std::vector<GradBucket> buckets;
  std::int64_t end = flat_size;
  int taken = 0;
  for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
    ++taken;
    const bool first = std::next(parameter) == parameters.rend();
    if (end - parameter->offset < elements && !first) continue;
    buckets.push_back(
        {.begin = parameter->offset, .count = end - parameter->offset, .parameters = taken});
    end = parameter->offset;
    taken = 0;
  }
  return buckets;
}

GradReducer::GradReducer(const Parameters& parameters, std::shared_ptr<Group> group,
                         const GradReducerOptions& options)
    : gradients_(parameters.gradients()), group_(std::move(group)) {
  if (!gradients_.defined())
    throw std::invalid_argument("grad_reducer: the parameters are not allocated");
  const auto element = static_cast<std::int64_t>(size_of(gradients_.dtype()));
  if (group_->size() > 1)
    buckets_ = make_buckets(parameters.list(), parameters.flat_size(),
                            std::max<std::int64_t>(1, options.bucket_bytes / element));
  bucket_of_.resize(parameters.list().size());
  std::size_t parameter = parameters.list().size();
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket)
    for (int i = 0; i < buckets_[bucket].parameters; ++i)
      bucket_of_[--parameter] = static_cast<int>(bucket);
  arm();
}

void GradReducer::arm() {
  works_.clear();
  ready_.assign(bucket_of_.size(), false);
  missing_.clear();
  for (const GradBucket& bucket : buckets_) missing_.push_back(bucket.parameters);
}

void GradReducer::on_ready(std::int64_t tag) {
  if (tag < 0) return;
  const auto parameter = static_cast<std::size_t>(tag);
  if (parameter >= ready_.size() || ready_[parameter])
    throw std::logic_error(fmt::format("grad_reducer: parameter {} is {}", tag,
                                       parameter < ready_.size() ? "ready twice" : "unknown"));
  ready_[parameter] = true;
  if (buckets_.empty()) return;
  --missing_[static_cast<std::size_t>(bucket_of_[parameter])];
  while (works_.size() < buckets_.size() && missing_[works_.size()] == 0) launch_next();
}

void GradReducer::launch_next() {
  const GradBucket& bucket = buckets_[works_.size()];
  works_.push_back(group_->all_reduce(gradients_.rows(bucket.begin, bucket.count)));
}

void GradReducer::finish() {
  early_buckets_ = static_cast<int>(works_.size());
  while (works_.size() < buckets_.size()) launch_next();
  const auto begin = std::chrono::steady_clock::now();
  for (const Work& work : works_) work.wait();
  exposed_seconds_ =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  arm();
}

}  // namespace muybridge
