#pragma once

#include <cstddef>
#include <cstdint>

namespace muybridge {

enum class Device : std::uint8_t { kCpu, kCuda };

// A block of memory from the device's pool, aligned to 64 bytes; it goes back there on destruction.
// The pool keeps blocks by size class, so that training steps like those before ask the system for
// nothing; where none of its class is free, what needs a block gets one that is a little larger, so
// that texts of many lengths do not each leave blocks of their own. Thread-safe.
class Buffer {
 public:
  Buffer() = default;
  // Throws Error(kInternal) that says how much is in use when the device has no memory left.
  Buffer(std::size_t bytes, Device device);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t block_bytes_ = 0;
  Device device_ = Device::kCpu;
};

struct PoolStatistics {
  std::size_t in_use_bytes = 0;
  std::size_t peak_bytes = 0;      // largest in_use_bytes so far
  std::size_t reserved_bytes = 0;  // held from the system
  std::uint64_t system_allocations = 0;
  // Blocks taken by threads that share a loop, which wait for each other there: a bug, see
  // core/parallel_for.h.
  std::uint64_t taken_in_parallel = 0;
};
PoolStatistics pool_statistics(Device device);

// For tests: fills the blocks that nobody uses with NaN (all bits set), so that who reads what he
// did not write is found.
void poison_pool(Device device);

// Gives blocks that nobody uses back to the system.
void trim_pool(Device device);

}  // namespace muybridge
