#include "core/cuda/functors.h"
#include "core/cuda/launch.cuh"

namespace muybridge::cuda {

#define MUY_ELEMENTS(...)
#define MUY_ROWS(...) template void for_rows(std::int64_t, const __VA_ARGS__&);
#define MUY_ROWS_SUM(A, ...)
#include "core/cuda/instances.inc"

}  // namespace muybridge::cuda
