#pragma once

#include "core/cuda/check.h"
#include "parallel/nccl/calls.h"

namespace muybridge::nccl {

// Throws Error(kInternal) with what NCCL says, the call and its place.
void check(ncclResult_t status, const char* call,
           const cuda::Place& place = cuda::Place::current());

#define CHECK_NCCL(name, ...) \
  ::muybridge::nccl::check(::muybridge::nccl::calls().name(__VA_ARGS__), #name)

// For destructors: logs a failure instead.
void log_failure(ncclResult_t status) noexcept;

// Calls of this thread that are issued together. Left by an exception, what was asked for so far
// is.
class CallGroup {
 public:
  CallGroup() { CHECK_NCCL(ncclGroupStart); }
  ~CallGroup() {
    if (open_) log_failure(nccl::calls().ncclGroupEnd());
  }
  CallGroup(const CallGroup&) = delete;
  CallGroup& operator=(const CallGroup&) = delete;
  void end() {
    open_ = false;
    CHECK_NCCL(ncclGroupEnd);
  }

 private:
  bool open_ = true;
};

}  // namespace muybridge::nccl
