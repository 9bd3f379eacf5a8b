#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/dtype.h"

// The part of CUDA that the rest of core may call. Defined in core/cuda where CMake found a
// toolkit, else in core/cuda_stubs.cpp, whose functions throw Error(kUsage).
namespace muybridge::cuda {

// Whether this binary has CUDA, and a driver answers with a device that its kernels were compiled
// for. Never throws, starts nothing on the device.
bool available() noexcept;
// One line a device for `muybridge doctor`, or why there is none.
std::string summary();
// Devices of this machine that the process may see; 0 where there is no driver.
int device_count() noexcept;
// Name and number of a device, which tell it from all others, whatever a process may see.
std::string device_identity(int index);
// A process computes on one device, 0 unless this was called before the first use of any.
void use_device(int index);

struct DeviceMemory {
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;
};
DeviceMemory device_memory();  // of the one that this process computes on

// Columns of a head that attention has kernels for; narrower ones, too.
std::int64_t widest_head(DType dtype);

// Whether the device that this process computes on multiplies numbers of 8 bits: from compute
// capability 8.9 on.
bool multiplies_float8();

// nullptr when the device is full.
void* allocate(std::size_t bytes);
void free(void* block) noexcept;
// Any direction. On the device a copy, fill and all ops run later, in the order they were issued;
// when a copy from the host returns its source may be changed, and when one to the host returns it
// has arrived.
void copy(void* to, const void* from, std::size_t bytes);
void fill(void* to, int byte, std::size_t bytes);
// Waits for all that was issued, for those who measure time.
void synchronize();

}  // namespace muybridge::cuda
