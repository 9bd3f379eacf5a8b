#pragma once

#include <cstdint>
#include <string>
#include <typeinfo>
#include <vector>

// A dry run: what a program asks of a device, without one. Its memory is addresses that hold zeros,
// nothing is computed, and what is asked for is counted with what it has to move and to compute.
namespace muybridge::cuda {

struct Recorded {
  enum class Kind : std::uint8_t {
    kProduct,
    kProductOfFloat8,
    kAttention,
    kAttentionBackward,
    kKernel,
    kCopy
  };
  Kind kind;
  std::string what;       // "[512, 64] x [64, 128] of bf16", "LayerNorm<bf16, float>"
  std::int64_t calls;     // kernels that are launched, or calls of a library
  double bytes = 0;       // each operand read and each result written once; 0: not known
  double operations = 0;  // of products and attention
};

// From now on this process has such a device. Before anything else here. Throws Error(kUsage)
// without CUDA.
void record_instead_of_computing();
// Since the last call, what is alike added up, in the order of the first of its kind.
std::vector<Recorded> take_recorded();

// For core/cuda:
bool recording() noexcept;
void record(const Recorded& call);
std::string name_of_functor(const std::type_info& type);
void* recorded_memory(std::size_t bytes);
void free_recorded_memory(void* block) noexcept;
// What was asked to be copied: the host gets zeros.
void record_copy(void* to, const void* from, std::size_t bytes);

}  // namespace muybridge::cuda
