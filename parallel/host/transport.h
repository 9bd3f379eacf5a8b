#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "parallel/host/bell.h"

namespace muybridge {

struct Message {
  bool outgoing;
  int peer;  // rank in the job
  int tag;
  std::byte* data;
  std::size_t bytes;
};

// Which ranks of the job share a machine, and memory that they all see: first the rank's bell, then
// what its groups meet in (Window).
struct Neighbours {
  std::vector<int> machines;         // by rank of the job: equal for ranks of one machine
  std::vector<std::byte*> segments;  // by rank of the job: where this rank sees its memory, or null
  std::size_t bytes = 0;             // of each segment, the same on all ranks; zeros at the start

  // Of a rank that this one shares memory with; else one that nobody hears.
  Bell bell(int rank) const {
    const auto place = static_cast<std::size_t>(rank);
    return Bell(place < segments.size() ? reinterpret_cast<std::uint32_t*>(segments[place])
                                        : nullptr);
  }
};

// A message under way. Dropping one that is not done is a mistake: its memory may still be used.
class Transfer {
 public:
  virtual ~Transfer() = default;
  // Throws Error(kInternal) when an incoming message has not the size that was expected.
  virtual bool done() = 0;
};

// Carries bytes between the ranks of a job. Messages between two ranks that have the same tag
// arrive in the order they were posted. Nothing here blocks but construction and `close`, which one
// thread calls; what lies between is called by any thread, one at a time.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int largest_tag() const = 0;
  virtual const Neighbours& neighbours() const = 0;
  // Moves all messages on; between two calls no message that was under way gets done.
  virtual void progress() = 0;
  virtual std::unique_ptr<Transfer> post(const Message& message) = 0;
  // All ranks call it, after their last message is over.
  virtual void close() = 0;
  // Ends the whole job; may return before this process dies.
  virtual void abort(int code) = 0;
};

}  // namespace muybridge
