#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/system/file_handle.h"

namespace muybridge {

// A running decoder: the child process, the socket to talk to it, and the ring of frames that it
// fills. It is killed with its owner.
class DecodeProcess {
 public:
  // Starts this program again with kDecodeCommand. Throws Error if that is impossible.
  explicit DecodeProcess(std::size_t slot_bytes);
  ~DecodeProcess();
  DecodeProcess(const DecodeProcess&) = delete;
  DecodeProcess& operator=(const DecodeProcess&) = delete;

  pid_t id() const { return child_; }
  int socket() const { return socket_.get(); }
  const std::uint8_t* slot(std::uint32_t number) const { return ring_ + number * slot_bytes_; }

  // What it may use from now on: seconds of CPU, bytes of address space. The child cannot change
  // either. Throws Error(kIo).
  void limit(double cpu_seconds, std::uint64_t memory_bytes) const;

  // Whether it waits for the system, such as a file on a dead disk.
  bool waits_for_system() const;

  struct End {
    std::string reason;
    bool machine = false;  // killed from outside: no fault of the file
  };
  // After the child has closed its end: waits for it and says how it ended.
  End wait();

 private:
  std::size_t slot_bytes_;
  FileHandle socket_;
  const std::uint8_t* ring_ = nullptr;
  pid_t child_ = 0;
};

}  // namespace muybridge
