#pragma once

#include <cstddef>
#include <string>

// The part of CUDA that the rest of core may call. Defined in core/cuda/*.cu where CMake found a
// toolkit, else in core/cuda_stubs.cpp, whose functions throw Error(kUsage).
namespace muybridge::cuda {

// Whether this binary has CUDA, and a driver with at least one device answers. Never throws.
bool available() noexcept;
// One line a device for `muybridge doctor`, or why there is none.
std::string summary();

// nullptr when the device is full.
void* allocate(std::size_t bytes);
void free(void* block) noexcept;
// Any direction; returns when the bytes have arrived.
void copy(void* to, const void* from, std::size_t bytes);
void fill_zero(void* to, std::size_t bytes);

}  // namespace muybridge::cuda
