#pragma once

#include <cstddef>
#include <memory>
#include <span>

// Memory of a device that is brought to the host beside what the device computes. Defined in
// core/cuda, or in core/cuda_stubs.cpp where there is no toolkit.
namespace muybridge::cuda {

class CopyOut {
 public:
  CopyOut();   // throws Error(kUsage) where there is no device
  ~CopyOut();  // waits
  CopyOut(const CopyOut&) = delete;
  CopyOut& operator=(const CopyOut&) = delete;

  // Runs of memory, copied behind all that was issued until now. Nothing that changes what is read
  // may be issued until hold_back().
  struct Run {
    void* to;
    const void* from;
    std::size_t bytes;
  };
  void begin(std::span<const Run> runs);
  // What is issued from now on runs when all has been read; the host goes on.
  void hold_back() const;
  // Until all has arrived; from any thread.
  void wait() const;

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

// Keeps pages of the host in their place, so that a device copies there at full speed and while the
// host goes on. Where the system refuses, a warning says so once, and copies are slower.
class PinnedPages {
 public:
  PinnedPages(void* begin, std::size_t bytes);
  ~PinnedPages();
  PinnedPages(const PinnedPages&) = delete;
  PinnedPages& operator=(const PinnedPages&) = delete;

 private:
  void* begin_ = nullptr;
};

}  // namespace muybridge::cuda
