#pragma once

// Stands in for core/cuda/kernel_language.cuh where a C++ compiler makes the kernels of core run on
// the CPU: a thread of a block is a fiber (tests/cuda_double/kernel_emulator.h), the memory that a
// block shares is that of the thread of the system which runs the block.
#include <cuda_runtime.h>

#include <cstddef>

#include "core/cuda/check.h"
#include "tests/cuda_double/kernel_emulator.h"

#undef __shared__
#define __shared__ static thread_local
#define __launch_bounds__(...)
#define threadIdx (::muybridge::emulator::place().thread)
#define blockIdx (::muybridge::emulator::place().block)
#define blockDim (::muybridge::emulator::place().threads)
#define gridDim (::muybridge::emulator::place().blocks)
#define __syncthreads() ::muybridge::emulator::barrier()
#define __shfl_xor_sync(mask, value, step) ::muybridge::emulator::shuffle_xor(mask, value, step)

namespace muybridge::cuda {

template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, unsigned threads,
            std::size_t shared_bytes, cudaStream_t stream, const Arguments&... arguments) {
  emulator::run({.name = name, .blocks = grid, .threads = threads, .shared_bytes = shared_bytes},
                stream, [&] { kernel(arguments...); });
}

inline void* dynamic_shared() { return emulator::dynamic_shared(); }

}  // namespace muybridge::cuda
