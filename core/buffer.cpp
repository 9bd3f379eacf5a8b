#include "core/buffer.h"

#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "core/cuda/runtime.h"
#include "core/error.h"

namespace muybridge {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Eight classes to a power of two: at most 12.5% of a block is unused.
std::size_t size_class(std::size_t bytes) {
  bytes = std::max(bytes, std::size_t{256});
  const std::size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

void* system_allocate(std::size_t bytes, Device device) {
  if (device == Device::kCuda) return cuda::allocate(bytes);
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (block && bytes >= kHugePage) madvise(block, bytes, MADV_HUGEPAGE);
  return block;
}

void system_free(void* block, Device device) noexcept {
  if (device == Device::kCuda)
    cuda::free(block);
  else
    std::free(block);
}

class Pool {
 public:
  explicit Pool(Device device) : device_(device) {}

  // Sets `size` to what the block has.
  void* take(std::size_t bytes, std::size_t& size) {
    size = size_class(bytes);
    const std::lock_guard lock(mutex_);
    void* block = take_free(size);
    if (!block) {
      block = system_allocate(size, device_);
      if (!block) {
        release_free_blocks();
        block = system_allocate(size, device_);
      }
      if (!block)
        fail(ExitCode::kInternal,
             "out of memory: {} MiB wanted, {} MiB in use; lower batch.tokens or set "
             "model.recompute: block",
             size >> 20, statistics_.in_use_bytes >> 20);
      ++statistics_.system_allocations;
      statistics_.reserved_bytes += size;
    }
    statistics_.in_use_bytes += size;
    if (omp_in_parallel()) ++statistics_.taken_in_parallel;
    statistics_.peak_bytes = std::max(statistics_.peak_bytes, statistics_.in_use_bytes);
    return block;
  }

  void give_back(void* block, std::size_t size) noexcept {
    const std::lock_guard lock(mutex_);
    free_[size].push_back(block);
    statistics_.in_use_bytes -= size;
  }

  void poison() {
    const std::lock_guard lock(mutex_);
    for (const auto& [size, blocks] : free_)
      for (void* block : blocks) {
        if (device_ == Device::kCpu)
          std::memset(block, 0xFF, size);
        else
          cuda::fill(block, 0xFF, size);
      }
  }

  void trim() {
    const std::lock_guard lock(mutex_);
    release_free_blocks();
  }

  PoolStatistics statistics() {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }

 private:
  // The smallest that fits and is at most a quarter larger.
  void* take_free(std::size_t& size) {
    const std::size_t most = size + size / 4;
    for (auto each = free_.lower_bound(size); each != free_.end() && each->first <= most; ++each) {
      if (each->second.empty()) continue;
      void* const block = each->second.back();
      each->second.pop_back();
      size = each->first;
      return block;
    }
    return nullptr;
  }

  void release_free_blocks() {
    for (auto& [size, blocks] : free_) {
      for (void* block : blocks) system_free(block, device_);
      statistics_.reserved_bytes -= size * blocks.size();
      blocks.clear();
    }
  }

  Device device_;
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;  // by size
  PoolStatistics statistics_;
};

// Never destroyed: tensors in static storage may outlive any order of destruction.
Pool& pool(Device device) {
  static Pool* const cpu = new Pool(Device::kCpu);
  static Pool* const cuda = new Pool(Device::kCuda);
  return device == Device::kCuda ? *cuda : *cpu;
}

}  // namespace

Buffer::Buffer(std::size_t bytes, Device device) : bytes_(bytes), device_(device) {
  if (bytes > 0) data_ = pool(device).take(bytes, block_bytes_);
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      block_bytes_(std::exchange(other.block_bytes_, 0)),
      device_(other.device_) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(block_bytes_, other.block_bytes_);
  std::swap(device_, other.device_);
  return *this;
}

Buffer::~Buffer() {
  if (data_) pool(device_).give_back(data_, block_bytes_);
}

PoolStatistics pool_statistics(Device device) { return pool(device).statistics(); }

void poison_pool(Device device) { pool(device).poison(); }

void trim_pool(Device device) { pool(device).trim(); }

}  // namespace muybridge
