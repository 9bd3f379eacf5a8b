#include "core/cuda/copy_out.h"

#include <cuda_runtime.h>

#include "core/cuda/context.h"
#include "core/log.h"

namespace muybridge::cuda {

struct CopyOut::Stream {
  cudaStream_t stream = nullptr;
  cudaEvent_t issued = nullptr;  // what core asked for before a copy
  cudaEvent_t copied = nullptr;
};

CopyOut::CopyOut() : stream_(std::make_unique<Stream>()) {
  Context::get();
  CHECK_CUDA(cudaStreamCreateWithPriority(&stream_->stream, cudaStreamNonBlocking, /*priority=*/0));
  CHECK_CUDA(cudaEventCreateWithFlags(&stream_->issued, cudaEventDisableTiming));
  CHECK_CUDA(
      cudaEventCreateWithFlags(&stream_->copied, cudaEventDisableTiming | cudaEventBlockingSync));
}

CopyOut::~CopyOut() {
  log_failure(cudaStreamSynchronize(stream_->stream));
  log_failure(cudaEventDestroy(stream_->copied));
  log_failure(cudaEventDestroy(stream_->issued));
  log_failure(cudaStreamDestroy(stream_->stream));
}

void CopyOut::begin(std::span<const Run> runs) {
  const cudaStream_t core = Context::get().stream();
  CHECK_CUDA(cudaEventRecord(stream_->issued, core));
  CHECK_CUDA(cudaStreamWaitEvent(stream_->stream, stream_->issued, 0));
  for (const Run& run : runs)
    CHECK_CUDA(
        cudaMemcpyAsync(run.to, run.from, run.bytes, cudaMemcpyDeviceToHost, stream_->stream));
  CHECK_CUDA(cudaEventRecord(stream_->copied, stream_->stream));
}

void CopyOut::hold_back() const {
  CHECK_CUDA(cudaStreamWaitEvent(Context::get().stream(), stream_->copied, 0));
}

void CopyOut::wait() const {
  Context::get();  // makes the device current for the thread
  CHECK_CUDA(cudaEventSynchronize(stream_->copied));
}

PinnedPages::PinnedPages(void* begin, std::size_t bytes) {
  Context::get();
  const cudaError_t status = cudaHostRegister(begin, bytes, cudaHostRegisterDefault);
  if (status == cudaSuccess) {
    begin_ = begin;
    return;
  }
  cudaGetLastError();
  static const bool warned = [&] {
    log_warning("CUDA could not pin {} MB of the host's memory: {}; copies there are slower",
                bytes >> 20, cudaGetErrorString(status));
    return true;
  }();
  (void)warned;
}

PinnedPages::~PinnedPages() {
  if (begin_) log_failure(cudaHostUnregister(begin_));
}

}  // namespace muybridge::cuda
