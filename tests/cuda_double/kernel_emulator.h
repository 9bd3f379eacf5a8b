#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstring>
#include <functional>

// Runs the threads of a CUDA kernel on the CPU, each a fiber with a stack of its own, one block
// after the other. Threads run until they wait; so what a kernel computes is checked, its barriers
// and its indices, and not its speed. What CUDA leaves undefined throws std::logic_error with the
// kernel and the block: a barrier that some threads of a block do not come to, an exchange that
// some lanes of a warp do not take part in.
namespace muybridge::emulator {

inline constexpr unsigned kWarpLanes = 32;

struct Grid {
  const char* name;
  dim3 blocks;
  unsigned threads;  // of a block, a multiple of 32
  std::size_t shared_bytes;
};

// In which order blocks run, and threads between barriers: a kernel that is right gives the same
// bytes in any. MUYBRIDGE_EMULATED_ORDER=reverse in the environment begins with the other.
enum class Order { kForward, kReverse };
void set_order(Order order);

// The whole grid. Throws std::logic_error where a device would refuse the launch.
void run(const Grid& grid, cudaStream_t stream, const std::function<void()>& thread);

// What follows is for the thread of a kernel that runs.
struct Place {
  uint3 thread, block;
  dim3 threads, blocks;
};
const Place& place();
void barrier();
void* dynamic_shared();

// Ends the kernel, whose launch throws std::logic_error, for what is not emulated.
[[noreturn]] void refuse(const char* what);

// The 8 bytes that the lane (own lane ^ step) hands over in the same exchange.
void exchange(void* value, std::size_t bytes, unsigned step);

template <class T>
T shuffle_xor(unsigned mask, T value, int step) {
  static_assert(sizeof(T) <= 8);
  if (mask != ~0U) refuse("a shuffle of a part of a warp");
  exchange(&value, sizeof value, static_cast<unsigned>(step));
  return value;
}

}  // namespace muybridge::emulator
