#include "core/cuda/context.h"

#include <atomic>

#include "core/cuda/runtime.h"
#include "core/error.h"
#include "core/log.h"

namespace muybridge::cuda {
namespace {

// NVIDIA's advice for Hopper (cuBLAS documentation, cublasSetWorkspace).
constexpr std::size_t kBlasWorkspace = std::size_t{32} << 20;

std::atomic<int> device_of_process{0};
std::atomic<bool> in_use{false};

[[noreturn]] void fail_call(const char* library, const char* text, const char* call,
                            const Place& place) {
  fail(ExitCode::kInternal, "{}: {} in {} at {}:{}", library, text, call, place.file, place.line);
}

}  // namespace

void check(cudaError_t status, const char* call, const Place& place) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // so that the next launch is not blamed
  fail_call("CUDA", cudaGetErrorString(status), call, place);
}
void check(cublasStatus_t status, const char* call, const Place& place) {
  if (status != CUBLAS_STATUS_SUCCESS)
    fail_call("cuBLASLt", blas_calls().cublasLtGetStatusString(status), call, place);
}
void check(cudnnStatus_t status, const char* call, const Place& place) {
  if (status != CUDNN_STATUS_SUCCESS)
    fail_call("cuDNN", dnn_calls().cudnnGetErrorString(status), call, place);
}

void log_failure(cudaError_t status) noexcept {
  if (status != cudaSuccess) log_error("CUDA: {}", cudaGetErrorString(status));
}
void log_failure(cublasStatus_t status) noexcept {
  if (status != CUBLAS_STATUS_SUCCESS)
    log_error("cuBLASLt: {}", blas_calls().cublasLtGetStatusString(status));
}
void log_failure(cudnnStatus_t status) noexcept {
  if (status != CUDNN_STATUS_SUCCESS)
    log_error("cuDNN: {}", dnn_calls().cudnnGetErrorString(status));
}

void use_device(int index) {
  const int count = device_count();
  if (index < 0 || index >= count)
    fail(ExitCode::kUsage, "CUDA device {} was asked for, there are {}; see muybridge doctor",
         index, count);
  if (in_use && index != device_of_process)
    fail(ExitCode::kInternal, "CUDA device {} is in use already: call use_device({}) before it",
         device_of_process.load(), index);
  device_of_process = index;
}

Context& Context::get() {
  static Context* const context = [] {
    if (!available())
      fail(ExitCode::kUsage, "no CUDA device can be used: {}; set device: cpu", summary());
    if (!compiled_for_device(device_of_process))
      fail(ExitCode::kUsage, "this binary has no code for CUDA device {}:\n{}",
           device_of_process.load(), summary());
    in_use = true;
    return new Context(device_of_process);
  }();
  thread_local bool current = false;
  if (!current) {
    CHECK_CUDA(cudaSetDevice(device_of_process));
    current = true;
  }
  return *context;
}

Context::Context(int device) {
  CHECK_CUDA(cudaSetDevice(device));
  CHECK_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  CHECK_CUDA(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, device));
  int reads_pages = 0;
  CHECK_CUDA(cudaDeviceGetAttribute(&reads_pages, cudaDevAttrPageableMemoryAccess, device));
  stages_pages_ = reads_pages == 0;
}

void Context::synchronize() const { CHECK_CUDA(cudaStreamSynchronize(stream_)); }

cublasLtHandle_t Context::blas() {
  if (!blas_) {
    cublasLtHandle_t handle = nullptr;
    CHECK_CUDA(blas_calls().cublasLtCreate(&handle));
    blas_.reset(handle);
  }
  return blas_.get();
}

cudnnHandle_t Context::dnn() {
  if (!dnn_) {
    cudnnHandle_t handle = nullptr;
    CHECK_CUDA(dnn_calls().cudnnCreate(&handle));
    dnn_.reset(handle);
    CHECK_CUDA(dnn_calls().cudnnSetStream(handle, stream_));
  }
  return dnn_.get();
}

const Buffer& Context::blas_workspace() {
  if (!blas_workspace_.data()) blas_workspace_ = Buffer(kBlasWorkspace, Device::kCuda);
  return blas_workspace_;
}

}  // namespace muybridge::cuda
