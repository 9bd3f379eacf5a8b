#include "train/stop_request.h"

#include "parallel/values.h"

namespace muybridge {

double StopRequest::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

bool StopRequest::agreed() const {
  const bool late = max_seconds_ > 0 && seconds() >= max_seconds_;
  return all_reduce_value(group_, signals_.requested() || late ? 1 : 0, Reduce::kMax) > 0;
}

}  // namespace muybridge
