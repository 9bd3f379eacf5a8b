#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cudnn.h>

// One check a library: throws Error(kInternal) with what the library says, the call and its place.
namespace muybridge::cuda {

// Where a call stands. (std::source_location is not for clang 14, which checks the style.)
struct Place {
  const char* file;
  int line;
  static Place current(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};
void check(cudaError_t status, const char* call, const Place& place);
void check(cublasStatus_t status, const char* call, const Place& place);
void check(cudnnStatus_t status, const char* call, const Place& place);

// For destructors: log a failure instead.
void log_failure(cudaError_t status) noexcept;
void log_failure(cublasStatus_t status) noexcept;
void log_failure(cudnnStatus_t status) noexcept;

#define CHECK_CUDA(call) \
  ::muybridge::cuda::check((call), #call, ::muybridge::cuda::Place::current())

}  // namespace muybridge::cuda
