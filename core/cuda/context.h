#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <mutex>

#include "core/buffer.h"
#include "core/cuda/libraries.h"

namespace muybridge::cuda {

using LtHandle = std::unique_ptr<std::remove_pointer_t<cublasLtHandle_t>,
                                 BlasCloser<&BlasCalls::cublasLtDestroy>>;
using DnnHandle =
    std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, DnnCloser<&DnnCalls::cudnnDestroy>>;

// What work on this process's device needs: one stream, on which all kernels, copies and library
// calls of core run in the order they were issued, and the libraries' handles. A block of the pool
// may so be handed on as soon as its last use was issued. Handles are made at first use.
class Context {
 public:
  // Throws Error(kUsage) where there is no device. Makes the device current for the thread.
  static Context& get();

  cudaStream_t stream() const { return stream_; }
  int multiprocessors() const { return multiprocessors_; }
  // Whether a copy from pages of the host, which are not pinned, has left them when it returns:
  // where the device cannot read them itself, CUDA copies them to memory of its own first.
  bool stages_pages() const { return stages_pages_; }
  // Waits until all issued work is done, and throws what went wrong in it.
  void synchronize() const;

  // For the caller that holds `mutex`: the libraries' handles and the scratch of cuBLASLt.
  std::mutex& mutex() { return mutex_; }
  cublasLtHandle_t blas();
  cudnnHandle_t dnn();
  const Buffer& blas_workspace();

 private:
  explicit Context(int device);

  cudaStream_t stream_ = nullptr;  // never destroyed: the driver may be gone when statics are
  int multiprocessors_ = 1;
  bool stages_pages_ = false;
  std::mutex mutex_;
  LtHandle blas_;
  DnnHandle dnn_;
  Buffer blas_workspace_;
};

// Architectures that the kernels were compiled for, as 10 * compute capability: 900 is 9.0.
struct Architectures {
  const int* begin;
  int count;
};
Architectures compiled_architectures();  // in instances_elements.cu, where nvcc knows them
bool compiled_for_device(int device) noexcept;

}  // namespace muybridge::cuda
