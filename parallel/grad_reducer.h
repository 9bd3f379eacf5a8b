#pragma once

#include <cstdint>
#include <vector>

#include "core/parameters.h"
#include "parallel/group.h"

namespace muybridge {

struct GradReducerOptions {
  std::int64_t bucket_bytes = 2 << 20;  // of gradients that travel together
};

// A run of the flat gradient tensor and the parameters in it.
struct GradBucket {
  std::int64_t begin = 0;  // elements
  std::int64_t count = 0;
  int parameters = 0;
};

// Buckets from the last parameter to the first, the order in which backward completes them: each
// takes parameters until it has at least `elements` of them. They cover [0, flat_size).
std::vector<GradBucket> make_buckets(const std::vector<Parameter>& parameters,
                                     std::int64_t flat_size, std::int64_t elements);

// Sums gradients over a group while backward still runs. Buckets travel in one fixed order, each
// once all its parameters and all earlier buckets are ready. A round is: zero or more on_ready,
// then finish; the next round begins by itself. With gradient accumulation only the last
// micro-batch reports to on_ready. The caller scales the sum. A group of one does nothing.
class GradReducer {
 public:
  // `parameters` are allocated, and outlive the reducer.
  GradReducer(const Parameters& parameters, std::shared_ptr<Group> group,
              const GradReducerOptions& options = {});

  // The gradient of parameter `tag` (its place in Parameters::list) is complete. Nobody may touch
  // it until finish() returns. Twice in a round is a std::logic_error. A negative tag is ignored.
  void on_ready(std::int64_t tag);
  // Sends what is left, ready or not, and waits for everything.
  void finish();

  const std::vector<GradBucket>& buckets() const { return buckets_; }
  // Of the last round: time that finish() waited for the network, and buckets that were under way
  // before finish() was called.
  double exposed_seconds() const { return exposed_seconds_; }
  int early_buckets() const { return early_buckets_; }
  // Of this round: buckets under way or over.
  int launched() const { return static_cast<int>(works_.size()); }

 private:
  void arm();
  void launch_next();

  Tensor gradients_;
  std::shared_ptr<Group> group_;
  std::vector<GradBucket> buckets_;
  std::vector<int> bucket_of_;  // by parameter
  std::vector<int> missing_;    // parameters that are not ready, by bucket
  std::vector<bool> ready_;     // by parameter
  std::vector<Work> works_;     // of the buckets launched in this round
  double exposed_seconds_ = 0;
  int early_buckets_ = 0;
};

}  // namespace muybridge
