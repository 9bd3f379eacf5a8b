#include "core/cuda/launch.cuh"

#define MUY_ROWS(...) template void cuda::for_rows(std::int64_t, const functor::__VA_ARGS__&);
#include "core/cuda/functors.h"
