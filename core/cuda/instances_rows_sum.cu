#include "core/cuda/functors.h"
#include "core/cuda/launch.cuh"

namespace muybridge::cuda {

#define MUY_ELEMENTS(...)
#define MUY_ROWS(...)
#define MUY_ROWS_SUM(A, ...) \
  template void for_rows_sum(std::span<const std::int32_t>, std::int64_t, const __VA_ARGS__&, A*);
#include "core/cuda/instances.inc"

}  // namespace muybridge::cuda
