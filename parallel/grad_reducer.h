#pragma once

#include <cstdint>
#include <vector>

#include "core/parameters.h"
#include "parallel/group.h"

namespace muybridge {

struct GradReducerOptions {
  std::int64_t bucket_bytes = 2 << 20;  // of gradients that travel together
};

// A run of the flat gradient tensor and the parameters in it, by their places in Parameters::list.
struct GradBucket {
  std::int64_t begin = 0;  // elements
  std::int64_t count = 0;
  std::vector<std::size_t> parameters = {};
  Tensor gradients = {};  // [count]
  Tensor kept = {};       // of the sum, where this rank wants no more
};

// Buckets of the parameters of one range from its last to its first, the order in which backward
// completes them: each takes parameters until it has at least `elements` of them. They cover the
// range.
std::vector<GradBucket> make_buckets(const std::vector<Parameter>& parameters,
                                     const ParameterRange& range, std::int64_t elements);

// Sums gradients over groups while backward still runs: those of parameters with the number
// `copies` (see Parameters::place) over groups[copies]. Where ranks share the state each gets the
// sum of what it keeps, and the rest is used up. The buckets of all groups travel in one fixed
// order, each once all its parameters and all earlier buckets are ready: so ranks ask their groups
// for sums alike, whatever became ready first, also one that had no clips. A round is: zero or more
// on_ready, then finish; the next round begins by itself. With gradient accumulation only the last
// micro-batch reports to on_ready. The caller scales the sum. A group of one does nothing, nor does
// the reducer with gradients that come and go (parallel/zero/unit_store.h).
class GradReducer {
 public:
  // `parameters` are allocated, and outlive the reducer.
  GradReducer(const Parameters& parameters, const std::vector<std::shared_ptr<Group>>& groups,
              const GradReducerOptions& options = {});

  // The gradient of parameter `tag` (its place in Parameters::list) is complete. Nobody may touch
  // it until finish() returns. Twice in a round is a std::logic_error. A negative tag is ignored.
  void on_ready(std::int64_t tag);
  // Sends what is left, ready or not, and waits for everything.
  void finish();

  std::size_t buckets() const { return buckets_.size(); }  // of all groups
  // Of the last round: time that finish() waited for the network, and buckets that were under way
  // before finish() was called.
  double exposed_seconds() const { return exposed_seconds_; }
  int early_buckets() const { return early_buckets_; }
  // Of this round: buckets under way or over.
  int launched() const { return static_cast<int>(works_.size()); }

 private:
  struct OfGroup {
    std::shared_ptr<Group> group;
    GradBucket bucket;
    std::size_t missing = 0;  // parameters that are not ready
  };
  static constexpr std::size_t kNone = SIZE_MAX;  // nothing to sum

  void arm();
  void launch_next();

  std::vector<OfGroup> buckets_;     // in the order in which they travel
  std::vector<Work> works_;          // of those launched in this round
  std::vector<std::size_t> places_;  // by parameter, in buckets_
  std::vector<bool> ready_;          // by parameter
  double exposed_seconds_ = 0;
  int early_buckets_ = 0;
};

}  // namespace muybridge
