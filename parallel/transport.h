#pragma once

#include <cstddef>
#include <memory>

namespace muybridge {

struct Message {
  bool outgoing;
  int peer;  // rank in the job
  int tag;
  std::byte* data;
  std::size_t bytes;
};

// A message under way. Dropping one that is not done is a mistake: its memory may still be used.
class Transfer {
 public:
  virtual ~Transfer() = default;
  // Moves all messages of the transport on; true once this one is over. Throws Error(kInternal)
  // when an incoming message has not the size that was expected.
  virtual bool done() = 0;
};

// Carries bytes between the ranks of a job. Messages between two ranks that have the same tag
// arrive in the order they were posted. Nothing here blocks but construction and `close`. Used by
// one thread, the same from construction to `close`.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int largest_tag() const = 0;
  virtual std::unique_ptr<Transfer> post(const Message& message) = 0;
  // All ranks call it, after their last message is over.
  virtual void close() = 0;
  // Ends the whole job; may return before this process dies.
  virtual void abort(int code) = 0;
};

}  // namespace muybridge
