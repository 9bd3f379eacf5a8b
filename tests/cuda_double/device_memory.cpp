#include "tests/cuda_double/device_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>

namespace muybridge::emulator {
namespace {

constexpr std::size_t kArenaBytes = std::size_t{64} << 30;  // of addresses, not of memory
constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 256;  // as cudaMalloc promises
constexpr std::size_t kFence = 256;      // behind each block
// Rights over larger blocks would take longer to change than most operations take.
constexpr std::size_t kGuarded = std::size_t{64} << 10;
constexpr std::size_t kAlwaysGuarded = std::size_t{1} << 20;
constexpr int kFenceByte = 0xC5;
constexpr int kPoison = 0xFF;

class Arena {
 public:
  explicit Arena(bool guarded) : guarded_(guarded) {
    void* const range = mmap(nullptr, kArenaBytes, guarded ? PROT_NONE : PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::byte*>(range);
  }

  void* allocate(std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    const std::size_t whole = rounded(bytes);
    std::size_t place = used_;
    if (const auto found = free_.find(whole); found != free_.end()) {
      place = found->second;
      free_.erase(found);
    } else {
      if (used_ + whole > kArenaBytes) return nullptr;
      used_ += whole;
    }
    blocks_[place] = bytes;
    open();
    std::memset(base_ + place, kPoison, bytes);
    std::memset(base_ + place + bytes, kFenceByte, whole - bytes);
    close();
    return base_ + place;
  }

  bool free(void* block) {
    const std::scoped_lock lock(mutex_);
    const auto found = blocks_.find(offset(block));
    if (found == blocks_.end()) return false;
    check_end(*found);
    madvise(block, rounded(found->second) / kPage * kPage, MADV_DONTNEED);
    free_.emplace(rounded(found->second), found->first);
    blocks_.erase(found);
    return true;
  }

  bool holds(const void* pointer) const {
    return pointer >= base_ && pointer < base_ + kArenaBytes;
  }

  bool is_one_block(const void* pointer, std::size_t bytes) {
    if (!holds(pointer)) return true;
    const std::scoped_lock lock(mutex_);
    auto after = blocks_.upper_bound(offset(pointer));
    if (after == blocks_.begin()) return false;
    --after;
    return offset(pointer) + bytes <= after->first + after->second;
  }

  void check_ends() {
    const std::scoped_lock lock(mutex_);
    for (const auto& block : blocks_) check_end(block);
  }

  void guard_always() { always_ = true; }
  void enter() {
    const std::scoped_lock lock(mutex_);
    open();
  }
  void leave() {
    const std::scoped_lock lock(mutex_);
    close();
  }

 private:
  static std::size_t rounded(std::size_t bytes) {
    return (bytes + kFence + kAlignment - 1) / kAlignment * kAlignment;
  }
  std::size_t offset(const void* pointer) const {
    return static_cast<std::size_t>(static_cast<const std::byte*>(pointer) - base_);
  }

  void open() {
    ++open_;
    protect(PROT_READ | PROT_WRITE);  // again: another thread may have added blocks
  }
  // Of much memory the rights are taken away now and then: what host code does wrong it does in
  // each step, and taking them takes longer than a small operation.
  void close() {
    if (--open_ > 0) return;
    draw_ = draw_ * 1664525 + 1013904223;  // Numerical Recipes' generator
    if (always_ || used_ <= kAlwaysGuarded || draw_ >> 28 == 0) protect(PROT_NONE);
  }
  void protect(int rights) {
    if (!guarded_) return;
    const std::size_t bytes = (used_ + kPage - 1) / kPage * kPage;
    if (rights == rights_ && bytes == protected_) return;
    rights_ = rights;
    protected_ = bytes;
    if (bytes > 0 && mprotect(base_, bytes, rights) != 0) throw std::bad_alloc();
  }

  void check_end(const std::pair<const std::size_t, std::size_t>& block) {
    open();
    const std::byte* const end = base_ + block.first + block.second;
    const bool intact = std::all_of(end, end + kFence,
                                    [](std::byte each) { return each == std::byte{kFenceByte}; });
    close();
    if (!intact)
      throw std::logic_error(fmt::format(
          "something was written behind a block of {} bytes of device memory", block.second));
  }

  bool guarded_;
  std::byte* base_ = nullptr;
  std::mutex mutex_;
  std::size_t used_ = 0;
  bool always_ = false;
  int open_ = 0;
  std::uint32_t draw_ = 1;
  int rights_ = PROT_NONE;  // over the first `protected_` bytes
  std::size_t protected_ = 0;
  std::map<std::size_t, std::size_t> blocks_;     // bytes, by place
  std::multimap<std::size_t, std::size_t> free_;  // place, by bytes
};

// Never destroyed: tensors in static storage outlive it else.
Arena& small_blocks() {
  static Arena* const arena = new Arena(true);
  return *arena;
}
Arena& large_blocks() {
  static Arena* const arena = new Arena(false);
  return *arena;
}
Arena& arena_of(const void* pointer) {
  return small_blocks().holds(pointer) ? small_blocks() : large_blocks();
}

}  // namespace

void* allocate_device_memory(std::size_t bytes) {
  return (bytes <= kGuarded ? small_blocks() : large_blocks()).allocate(bytes);
}
bool free_device_memory(void* block) { return arena_of(block).free(block); }
bool is_device_memory(const void* pointer) { return arena_of(pointer).holds(pointer); }
bool is_one_block(const void* pointer, std::size_t bytes) {
  return arena_of(pointer).is_one_block(pointer, bytes);
}
void require_intact_ends() {
  small_blocks().check_ends();
  large_blocks().check_ends();
}

void guard_always() { small_blocks().guard_always(); }

namespace {
thread_local std::uint64_t operations = 0;
}  // namespace

std::uint64_t operations_of_thread() { return operations; }

DeviceAccess::DeviceAccess() {
  ++operations;
  small_blocks().enter();
}
DeviceAccess::~DeviceAccess() { small_blocks().leave(); }

}  // namespace muybridge::emulator
