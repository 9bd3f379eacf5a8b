#include "parallel/nccl/calls.h"

#include <fmt/format.h>

#include "core/cuda/open_library.h"

namespace muybridge::nccl {

const Calls& calls() {
  static const Calls kCalls = [] {
    const cuda::Library library(fmt::format("libnccl.so.{}", NCCL_MAJOR));
    Calls found{};
#define MUY_LOOK_UP(name) library.look_up(#name, found.name);
    MUY_NCCL_CALLS(MUY_LOOK_UP)
#undef MUY_LOOK_UP
    return found;
  }();
  return kCalls;
}

}  // namespace muybridge::nccl
