#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "data/prepare/source_decoder.h"
#include "data/prepare/source_queue.h"

namespace muybridge {

// Threads that take sources from the queue, each with a decoder process of its own. They end when
// there are none left, when one of them fails, or when the context's stop becomes true.
class DecoderPool {
 public:
  // `done` is called for each source that was not stopped, by one thread at a time.
  using Done = std::function<void(const SourceOutcome&)>;
  DecoderPool(const PrepareContext& context, const DecodeLimits& limits, SourceQueue& queue,
              int workers, Done done);
  ~DecoderPool();
  DecoderPool(const DecoderPool&) = delete;
  DecoderPool& operator=(const DecoderPool&) = delete;

  // Waits for the end, calling `tick` ten times a second; sets `halt`, which the context's stop
  // is, as soon as *stop is set or a thread has failed. Throws the first failure.
  void wait(const std::atomic<bool>& stop, std::atomic<bool>& halt,
            const std::function<void()>& tick);

 private:
  void work(const PrepareContext& context, const DecodeLimits& limits, SourceQueue& queue);

  Done done_;
  std::mutex mutex_;
  std::condition_variable ended_;
  int running_ = 0;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace muybridge
