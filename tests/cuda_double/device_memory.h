#pragma once

#include <cstddef>
#include <cstdint>

// The memory of the device that is not there. Blocks of up to 64 KiB may be touched by operations
// of the device alone: code of the host that reads or writes them is killed by the system, as it
// would be on a machine with a device.
namespace muybridge::emulator {

// nullptr where there is no room. Filled with NaN of every type.
void* allocate_device_memory(std::size_t bytes);
// False if it was not allocated.
bool free_device_memory(void* block);
bool is_device_memory(const void* pointer);
// Whether all of these bytes lie in one block. Of host memory nothing is known: true.
bool is_one_block(const void* pointer, std::size_t bytes);
// Throws std::logic_error where something was written behind the end of a block.
void require_intact_ends();

// Of much memory the rights are taken away after a few operations only, for speed, unless this was
// called.
void guard_always();

// How many operations of the device this thread has asked for and seen done.
std::uint64_t operations_of_thread();

// While one lives, this process may touch the memory of the device: one operation of it.
// Thread-safe.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

}  // namespace muybridge::emulator
