#pragma once

#include <cudnn.h>

#include <string>
#include <variant>

namespace muybridge::cuda {

// A chip that need not be there, for plans that cannot be run.
struct DescribedChip {
  std::string json;  // as cuDNN describes devices
  int version;       // 10 times the compute capability
  int multiprocessors;
};

// What a plan is compiled for: the device of a handle, or a chip.
using PlanTarget = std::variant<cudnnHandle_t, DescribedChip>;

}  // namespace muybridge::cuda
