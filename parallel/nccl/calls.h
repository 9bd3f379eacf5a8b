#pragma once

#include <nccl.h>

// The functions of NCCL that are called. The library is opened when they are first asked for.
namespace muybridge::nccl {

// Names cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define MUY_NCCL_CALLS(call)                                                                    \
  call(ncclGetVersion) call(ncclGetErrorString) call(ncclGetUniqueId) call(ncclCommInitRank)    \
      call(ncclCommDestroy) call(ncclCommAbort) call(ncclCommGetAsyncError) call(ncclAllReduce) \
          call(ncclBroadcast) call(ncclAllGather) call(ncclReduceScatter) call(ncclSend)        \
              call(ncclRecv) call(ncclGroupStart) call(ncclGroupEnd)

#define MUY_CALL(name) decltype(&::name) name;
struct Calls {
  MUY_NCCL_CALLS(MUY_CALL)
};
#undef MUY_CALL
// NOLINTEND(bugprone-macro-parentheses)

// Throws Error(kUsage) with what is missing where the library cannot be opened.
const Calls& calls();

}  // namespace muybridge::nccl
