#include "core/cuda/launch.cuh"

#define MUY_ROWS_SUM(sum, ...)                                                  \
  template void cuda::for_rows_sum(std::span<const std::int32_t>, std::int64_t, \
                                   const functor::__VA_ARGS__&, sum*);
#include "core/cuda/functors.h"
