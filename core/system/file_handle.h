#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

namespace muybridge {

// Owns a file descriptor.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
  FileHandle(FileHandle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileHandle() { reset(); }

  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  void reset() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 private:
  int descriptor_ = -1;
};

// Throws Error(kIo) with the path and the reason. A pipe or a device never blocks the opening.
FileHandle open_to_read(const std::filesystem::path& path);

// A new file in `folder` that has no name and vanishes with its handle. Throws Error(kIo).
FileHandle open_nameless(const std::filesystem::path& folder);

// All bytes at a place of the file. Throw Error(kIo), which begins with `what` is being done; at
// the end of the file read_at() returns how many bytes there were.
void write_at(const FileHandle& file, const void* data, std::size_t bytes, std::uint64_t place,
              const std::string& what);
std::size_t read_at(const FileHandle& file, void* data, std::size_t bytes, std::uint64_t place,
                    const std::string& what);

}  // namespace muybridge
