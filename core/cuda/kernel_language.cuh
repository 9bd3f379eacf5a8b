#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "core/cuda/check.h"

// What kernels need of a compiler beyond C++: how they are started, and the memory that a block
// shares. The rest is CUDA's own (threadIdx, __syncthreads, __shfl_xor_sync). The tests have
// another such file, with which a C++ compiler makes kernels that run on the CPU.
namespace muybridge::cuda {

// The whole grid of `kernel`, after what was issued to the stream before. `name` is for the error.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, unsigned threads,
            std::size_t shared_bytes, cudaStream_t stream, const Arguments&... arguments) {
  kernel<<<grid, threads, shared_bytes, stream>>>(arguments...);
  check(cudaGetLastError(), name, Place::current());
}

// The bytes that `launch` was told of, aligned for any number.
__device__ inline void* dynamic_shared() {
  extern __shared__ double muybridge_shared[];
  return muybridge_shared;
}

}  // namespace muybridge::cuda
