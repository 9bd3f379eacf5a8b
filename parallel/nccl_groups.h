#pragma once

#include <functional>
#include <memory>
#include <string>

#include "parallel/group.h"

// Groups whose tensors on CUDA devices go over NCCL, each rank on a device of its own, and whose
// host tensors go as before. Defined in parallel/nccl where CMake found a CUDA toolkit, else in
// parallel/nccl_stubs.cpp.
namespace muybridge {

struct NcclOptions {
  double time_limit_seconds = 600;  // of operations of which none ends
  // Called once, by a thread of NCCL's watch, with what went wrong; must end the job. The device
  // may wait for ever for a rank that is gone, and with it whoever waits for the device.
  std::function<void(const std::string&)> lost;
};

// A process's part in NCCL. What was asked of it and is not over is watched by a thread.
class NcclGroups {
 public:
  virtual ~NcclGroups() = default;
  // From now on device tensors of the groups go over NCCL; until then they go through `host`.
  // Throws Error(kUsage) where NCCL cannot be opened, or the program has none.
  virtual void use() = 0;
  // `host` with NCCL beside it, and so are the groups that are split from it. Their ranks must all
  // call use(), or none, and then prepare() each group before its tensors go over NCCL.
  virtual std::shared_ptr<Group> over(std::shared_ptr<Group> host) = 0;
};
std::unique_ptr<NcclGroups> make_nccl_groups(const NcclOptions& options);

// "NCCL 2.28.9", or why there is none.
std::string nccl_summary();

}  // namespace muybridge
