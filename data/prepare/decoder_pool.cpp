#include "data/prepare/decoder_pool.h"

#include <chrono>
#include <utility>

namespace muybridge {

DecoderPool::DecoderPool(const PrepareContext& context, const DecodeLimits& limits,
                         SourceQueue& queue, int workers, Done done)
    : done_(std::move(done)), running_(workers) {
  for (int i = 0; i < workers; ++i) {
    threads_.emplace_back([this, &context, &limits, &queue] {
      try {
        work(context, limits, queue);
      } catch (...) {
        const std::scoped_lock lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
      }
      const std::scoped_lock lock(mutex_);
      --running_;
      ended_.notify_all();
    });
  }
}

DecoderPool::~DecoderPool() {
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void DecoderPool::work(const PrepareContext& context, const DecodeLimits& limits,
                       SourceQueue& queue) {
  DecodeWorker worker(limits, &context.stop);
  while (!context.stop.load()) {
    std::optional<OpenedSource> source = queue.next();
    if (!source) return;
    const SourceOutcome outcome = SourceDecoder(context, worker, std::move(*source)).run();
    if (context.stop.load()) return;
    const std::scoped_lock lock(mutex_);
    done_(outcome);
  }
}

void DecoderPool::wait(const std::atomic<bool>& stop, std::atomic<bool>& halt,
                       const std::function<void()>& tick) {
  std::unique_lock lock(mutex_);
  while (running_ > 0) {
    ended_.wait_for(lock, std::chrono::milliseconds(100));
    if (stop.load() || failure_) halt.store(true);
    tick();
  }
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace muybridge
