#pragma once

#include "core/cuda/check.h"
#include "parallel/nccl/calls.h"

namespace muybridge::nccl {

// Throws Error(kInternal) with what NCCL says, the call and its place.
void check(ncclResult_t status, const char* call,
           const cuda::Place& place = cuda::Place::current());

#define CHECK_NCCL(name, ...) \
  ::muybridge::nccl::check(::muybridge::nccl::calls().name(__VA_ARGS__), #name)

}  // namespace muybridge::nccl
