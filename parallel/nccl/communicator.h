#pragma once

#include <cuda_runtime.h>
#include <nccl.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "parallel/group.h"
#include "parallel/nccl/watch.h"

namespace muybridge::nccl {

// A communicator of all ranks of a group, with a stream of its own on this process's device: what
// is asked of it runs in that order, beside what core computes and beside other communicators.
class Communicator {
 public:
  // Collective over `host`, whose ranks it has.
  Communicator(Group& host, std::shared_ptr<Watch> watch);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  using Issue = std::function<void(ncclComm_t, cudaStream_t)>;
  // Issues calls that begin when everything core has issued so far is done. Work::wait() makes what
  // core issues next wait for them, not the caller. Keeps the tensors until they are over.
  Work run(const char* what, std::vector<Tensor> tensors, const Issue& issue);

 private:
  std::string describe(const char* what, const std::vector<Tensor>& tensors) const;

  const std::string name_;
  const int size_;
  const std::shared_ptr<Watch> watch_;
  std::mutex mutex_;
  cudaStream_t stream_ = nullptr;
  ncclComm_t communicator_ = nullptr;
};

}  // namespace muybridge::nccl
