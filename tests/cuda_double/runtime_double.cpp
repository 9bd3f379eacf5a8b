// The calls of the CUDA runtime that core makes, and cuDNN's handle, on a device that is not there:
// one of compute capability 9.0, whose work is done at once.
#include <cuda_runtime.h>
#include <cudnn.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>

#include "tests/cuda_double/device_memory.h"
#include "tests/cuda_double/stream.h"

using muybridge::emulator::DeviceAccess;
using muybridge::emulator::Event;
using muybridge::emulator::Stream;

namespace {

constexpr std::chrono::milliseconds kBeside(3);  // until a copy begins

constexpr int kVersion = 13000;
constexpr int kMultiprocessors = 4;
constexpr std::size_t kMemory = std::size_t{64} << 30;

thread_local cudaError_t last_error = cudaSuccess;

cudaError_t set_error(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

// Pages of the host that copies beside what is computed may go to, by where they begin.
std::mutex pinned_mutex;
std::map<std::byte*, std::size_t> pinned;

bool is_pinned(void* pointer) {
  auto* const byte = static_cast<std::byte*>(pointer);
  const std::scoped_lock lock(pinned_mutex);
  const auto after = pinned.upper_bound(byte);
  if (after == pinned.begin()) return false;
  const auto [begin, bytes] = *std::prev(after);
  return byte < begin + bytes;
}

bool may_touch(const void* pointer, std::size_t bytes) {
  return muybridge::emulator::is_one_block(pointer, bytes);
}

}  // namespace

extern "C" {

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

const char* cudaGetErrorString(cudaError_t error) {
  if (error == cudaErrorMemoryAllocation) return "out of memory";
  if (error == cudaErrorInvalidValue) return "invalid argument";
  return error == cudaSuccess ? "no error" : "an error";
}

// MUYBRIDGE_EMULATED_DEVICES in the environment says how many there are.
cudaError_t cudaGetDeviceCount(int* count) {
  const char* const text = std::getenv("MUYBRIDGE_EMULATED_DEVICES");
  *count = text ? std::atoi(text) : 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  int count = 0;
  cudaGetDeviceCount(&count);
  return set_error(device >= 0 && device < count ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kVersion;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int /*device*/) {
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = 9;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
    case cudaDevAttrPageableMemoryAccess:
      *value = 0;
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = kMultiprocessors;
      return cudaSuccess;
    default:
      return set_error(cudaErrorInvalidValue);
  }
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  *free_bytes = *total_bytes = kMemory;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  *properties = {};
  properties->uuid.bytes[0] = static_cast<char>(device);
  std::strcpy(properties->name, "emulated device");
  properties->totalGlobalMem = kMemory;
  properties->major = 9;
  properties->multiProcessorCount = kMultiprocessors;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** block, std::size_t bytes) {
  *block = muybridge::emulator::allocate_device_memory(bytes);
  return set_error(*block ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* block) {
  if (!block || muybridge::emulator::free_device_memory(block)) return cudaSuccess;
  return set_error(cudaErrorInvalidValue);
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  *attributes = {};
  const bool on_device = muybridge::emulator::is_device_memory(pointer);
  attributes->type = on_device ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) {
  *stream = (new Stream)->handle();
  return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned /*flags*/,
                                         int /*priority*/) {
  *stream = (new Stream(/*is_beside=*/true))->handle();
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete &Stream::of(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  Stream& of = Stream::of(stream);
  of.wait_for(of.pushed());
  muybridge::emulator::require_intact_ends();
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  if (!(flags & cudaEventDisableTiming)) return set_error(cudaErrorInvalidValue);
  *event = reinterpret_cast<cudaEvent_t>(new Event);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<Event*>(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  *reinterpret_cast<Event*>(event) = Stream::of(stream).mark();
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  Stream::of(stream).hold(*reinterpret_cast<const Event*>(event));
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  reinterpret_cast<const Event*>(event)->wait();
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  return set_error(reinterpret_cast<const Event*>(event)->reached() ? cudaSuccess
                                                                    : cudaErrorNotReady);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind /*kind*/,
                            cudaStream_t stream) {
  if (!may_touch(to, bytes) || !may_touch(from, bytes)) return set_error(cudaErrorInvalidValue);
  const auto copy = [=] {
    const DeviceAccess access;
    std::memmove(to, from, bytes);
  };
  Stream& of = Stream::of(stream);
  if (!of.is_beside()) {
    copy();
    return cudaSuccess;
  }
  // Of what core has not been asked for yet when it begins, there is nothing to copy.
  if (!of.is_behind_all() || !is_pinned(to)) return set_error(cudaErrorInvalidValue);
  of.push([copy] {
    std::this_thread::sleep_for(kBeside);
    copy();
  });
  return cudaSuccess;
}

cudaError_t cudaHostRegister(void* begin, std::size_t bytes, unsigned /*flags*/) {
  const std::scoped_lock lock(pinned_mutex);
  pinned[static_cast<std::byte*>(begin)] = bytes;
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* begin) {
  const std::scoped_lock lock(pinned_mutex);
  return set_error(pinned.erase(static_cast<std::byte*>(begin)) ? cudaSuccess
                                                                : cudaErrorInvalidValue);
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t /*stream*/) {
  if (!may_touch(to, bytes)) return set_error(cudaErrorInvalidValue);
  const DeviceAccess access;
  std::memset(to, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemset2DAsync(void* to, std::size_t pitch, int value, std::size_t width,
                              std::size_t height, cudaStream_t /*stream*/) {
  if (height == 0) return cudaSuccess;
  if (width > pitch || !may_touch(to, pitch * (height - 1) + width))
    return set_error(cudaErrorInvalidValue);
  const DeviceAccess access;
  for (std::size_t row = 0; row < height; ++row)
    std::memset(static_cast<std::byte*>(to) + row * pitch, value, width);
  return cudaSuccess;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = reinterpret_cast<cudnnHandle_t>(new char);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete reinterpret_cast<char*>(handle);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t /*handle*/, cudaStream_t /*stream*/) {
  return CUDNN_STATUS_SUCCESS;
}
std::size_t cudnnGetVersion() { return CUDNN_VERSION; }
std::size_t cudnnGetCudartVersion() { return CUDART_VERSION; }
const char* cudnnGetErrorString(cudnnStatus_t /*status*/) { return "an error"; }

}  // extern "C"
