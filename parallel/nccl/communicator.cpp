#include "parallel/nccl/communicator.h"

#include <exception>
#include <utility>

#include "core/cuda/context.h"
#include "core/error.h"
#include "core/log.h"
#include "parallel/nccl/check.h"

namespace muybridge::nccl {
namespace {

// A mark in a stream.
class Event {
 public:
  explicit Event(cudaStream_t stream) {
    CHECK_CUDA(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
    CHECK_CUDA(cudaEventRecord(event_, stream));
  }
  ~Event() { cuda::log_failure(cudaEventDestroy(event_)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // What is issued to the stream from now on runs behind the mark.
  void hold(cudaStream_t stream) const { CHECK_CUDA(cudaStreamWaitEvent(stream, event_, 0)); }
  // Throws what went wrong on the device.
  bool reached() const {
    const cudaError_t status = cudaEventQuery(event_);
    if (status == cudaErrorNotReady) {
      cudaGetLastError();  // it would be taken for that of the next launch
      return false;
    }
    CHECK_CUDA(status);
    return true;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

class Operation final : public Completion {
 public:
  Operation(cudaStream_t stream, std::vector<Tensor> tensors)
      : over_(stream), tensors_(std::move(tensors)) {}

  void wait() override {
    over_.hold(cuda::Context::get().stream());
    // Whoever has their memory next uses it behind this on core's stream.
    const std::scoped_lock lock(mutex_);
    tensors_.clear();
  }
  bool done() const override { return over_.reached(); }

 private:
  const Event over_;
  std::mutex mutex_;
  std::vector<Tensor> tensors_;
};

}  // namespace

void check(ncclResult_t status, const char* call, const cuda::Place& place) {
  if (status != ncclSuccess)
    fail(ExitCode::kInternal, "NCCL: {} in {} at {}:{}", calls().ncclGetErrorString(status), call,
         place.file, place.line);
}

void log_failure(ncclResult_t status) noexcept {
  if (status != ncclSuccess) log_error("NCCL: {}", calls().ncclGetErrorString(status));
}

Communicator::Communicator(Group& host, std::shared_ptr<Watch> watch)
    : name_(host.name()), size_(host.size()), watch_(std::move(watch)) {
  cuda::Context::get();  // makes the device current for this thread
  // Rank 0 makes the name by which all find each other.
  ncclUniqueId id{};
  if (host.rank() == 0) CHECK_NCCL(ncclGetUniqueId, &id);
  const Tensor bytes = Tensor::empty({sizeof id.internal}, DType::kU8);
  std::copy(std::begin(id.internal), std::end(id.internal), bytes.data<std::uint8_t>());
  host.broadcast(bytes, 0).wait();
  std::copy_n(bytes.data<std::uint8_t>(), sizeof id.internal, std::begin(id.internal));

  {
    const Watch::Call call(*watch_, describe("ncclCommInitRank", {}));
    CHECK_NCCL(ncclCommInitRank, &communicator_, host.size(), id, host.rank());
  }
  // Before what is computed, where both want multiprocessors: others wait for it.
  int least = 0, greatest = 0;
  CHECK_CUDA(cudaDeviceGetStreamPriorityRange(&least, &greatest));
  CHECK_CUDA(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, greatest));
}

Communicator::~Communicator() {
  // On the way out of an error other ranks may be gone, and what is under way never over.
  if (std::uncaught_exceptions() > 0) {
    watch_->drop(communicator_);
    log_failure(calls().ncclCommAbort(communicator_));
  } else {
    watch_->wait_for(communicator_);
    log_failure(calls().ncclCommDestroy(communicator_));
  }
  cuda::log_failure(cudaStreamDestroy(stream_));
}

Work Communicator::run(const char* what, std::vector<Tensor> tensors, const Issue& issue) {
  const std::scoped_lock lock(mutex_);
  Event(cuda::Context::get().stream()).hold(stream_);
  std::string description = describe(what, tensors);
  {
    const Watch::Call call(*watch_, description);
    issue(communicator_, stream_);
  }
  const auto operation = std::make_shared<Operation>(stream_, std::move(tensors));
  watch_->add({.what = std::move(description),
               .over = [operation] { return operation->done(); },
               .communicator = communicator_});
  return Work(operation);
}

std::string Communicator::describe(const char* what, const std::vector<Tensor>& tensors) const {
  std::size_t bytes = 0;
  for (const Tensor& tensor : tensors) bytes += tensor.bytes();
  return fmt::format("{} of {} bytes in group '{}' of {} ranks", what, bytes, name_, size_);
}

}  // namespace muybridge::nccl
