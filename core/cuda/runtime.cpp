#include "core/cuda/runtime.h"

#include <fmt/format.h>

#include <cstdlib>

#include "core/cuda/context.h"
#include "core/cuda/recorder.h"
#include "core/log.h"

namespace muybridge::cuda {
namespace {

// Code for an architecture runs on its own major version, from its minor version on. (Code for
// 9.0a runs on 9.0 only, and there is no later 9.x.)
bool compiled_for(int major, int minor) {
  const Architectures compiled = compiled_architectures();
  for (int i = 0; i < compiled.count; ++i) {
    const int architecture = compiled.begin[i];
    if (architecture / 100 == major && architecture / 10 % 10 <= minor) return true;
  }
  return false;
}

cudaMemoryType memory_type(const void* pointer) {
  cudaPointerAttributes attributes{};
  CHECK_CUDA(cudaPointerGetAttributes(&attributes, pointer));
  return attributes.type;
}

// Before the first call of CUDA: a queue of its own for each stream, of which every communicator
// has one. With the default of 8 some would wait for each other.
void prepare_environment() noexcept {
  ::setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", /*overwrite=*/0);
}

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

}  // namespace

bool compiled_for_device(int device) noexcept {
  int major = 0, minor = 0;
  if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) != cudaSuccess ||
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) != cudaSuccess) {
    cudaGetLastError();
    return false;
  }
  return compiled_for(major, minor);
}

int device_count() noexcept {
  if (recording()) return 1;
  prepare_environment();
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

std::string device_identity(int index) {
  if (recording()) return "none";
  cudaDeviceProp properties{};
  CHECK_CUDA(cudaGetDeviceProperties(&properties, index));
  std::string number;
  for (const char byte : properties.uuid.bytes)
    number += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return fmt::format("{} {}", properties.name, number);
}

DeviceMemory device_memory() {
  constexpr std::int64_t kOfH200 = std::int64_t{141} * 1000 * 1000 * 1000;
  if (recording()) return {kOfH200, kOfH200};
  Context::get();
  std::size_t free_bytes = 0, total_bytes = 0;
  CHECK_CUDA(cudaMemGetInfo(&free_bytes, &total_bytes));
  return {static_cast<std::int64_t>(total_bytes), static_cast<std::int64_t>(free_bytes)};
}

bool multiplies_float8() {
  if (recording()) return true;
  Context::get();
  int device = 0, major = 0, minor = 0;
  CHECK_CUDA(cudaGetDevice(&device));
  CHECK_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  CHECK_CUDA(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
  return 10 * major + minor >= 89;
}

bool available() noexcept {
  if (recording()) return true;
  static const bool answer = [] {
    for (int device = 0; device < device_count(); ++device)
      if (compiled_for_device(device)) return true;
    return false;
  }();
  return answer;
}

std::string summary() {
  prepare_environment();
  int count = 0, driver = 0, runtime = 0;
  cudaRuntimeGetVersion(&runtime);
  if (const cudaError_t status = cudaGetDeviceCount(&count); status != cudaSuccess || count == 0) {
    cudaGetLastError();
    return fmt::format(
        "built with CUDA {}, no device: {}", version_text(runtime),
        count == 0 && status == cudaSuccess ? "the driver shows none" : cudaGetErrorString(status));
  }
  cudaDriverGetVersion(&driver);
  std::string text;
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties{};
    CHECK_CUDA(cudaGetDeviceProperties(&properties, device));
    text += fmt::format("{}{}: {}, {:.1f} GiB, compute capability {}.{}{}, CUDA {}, driver for {}",
                        device ? "\n" : "", device, properties.name,
                        static_cast<double>(properties.totalGlobalMem) / (1 << 30),
                        properties.major, properties.minor,
                        compiled_for(properties.major, properties.minor)
                            ? ""
                            : " (this binary has no code for it: set MUYBRIDGE_CUDA_ARCHITECTURES)",
                        version_text(runtime), version_text(driver));
  }
  return text;
}

void* allocate(std::size_t bytes) {
  if (recording()) return recorded_memory(bytes);
  Context::get();
  void* block = nullptr;
  const cudaError_t status = cudaMalloc(&block, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(status, "cudaMalloc", Place::current());
  return block;
}

// Waits for the device, so that no issued work uses the block any more.
void free(void* block) noexcept {
  if (recording()) return free_recorded_memory(block);
  log_failure(cudaFree(block));
}

void copy(void* to, const void* from, std::size_t bytes) {
  if (recording()) return record_copy(to, from, bytes);
  const Context& context = Context::get();
  CHECK_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, context.stream()));
  const bool from_pages = memory_type(from) == cudaMemoryTypeUnregistered;
  if (memory_type(to) != cudaMemoryTypeDevice ||
      (memory_type(from) != cudaMemoryTypeDevice && !(from_pages && context.stages_pages())))
    context.synchronize();
}

void fill(void* to, int byte, std::size_t bytes) {
  if (recording())
    return record({.kind = Recorded::Kind::kCopy,
                   .what = "fill",
                   .calls = 1,
                   .bytes = static_cast<double>(bytes)});
  CHECK_CUDA(cudaMemsetAsync(to, byte, bytes, Context::get().stream()));
}

void synchronize() {
  if (!recording()) Context::get().synchronize();
}

}  // namespace muybridge::cuda
