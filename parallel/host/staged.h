#pragma once

#include <utility>
#include <vector>

#include "parallel/group.h"

namespace muybridge {

// Tensors of a device on their way through groups that reach host memory alone: they are copied
// there when an operation is asked for, and what it wrote is copied back when it is waited for.
class Staged {
 public:
  // x itself where it is a CPU tensor; else a copy of it, or room for it.
  Tensor read(const Tensor& x);
  Tensor write(const Tensor& x);
  Tensor update(const Tensor& x);  // both

  // `work`, or work that copies back behind it.
  Work finish(Work work) const;

 private:
  std::vector<std::pair<Tensor, Tensor>> back_;  // from, to
};

}  // namespace muybridge
