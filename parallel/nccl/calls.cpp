#include "parallel/nccl/calls.h"

#include <fmt/format.h>

#include <cstdlib>

#include "core/cuda/open_library.h"

namespace muybridge::nccl {

const Calls& calls() {
  static const Calls kCalls = [] {
    // Else NCCL connects for each kind of operation when a step first asks for it, and its host
    // waits there for the others.
    ::setenv("NCCL_RUNTIME_CONNECT", "0", /*overwrite=*/0);
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
