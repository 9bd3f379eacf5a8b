#pragma once

#include <cstddef>
#include <cstdint>

#include "core/system/file_handle.h"
#include "data/media/av_handles.h"

namespace muybridge {

// A file as libav reads it: by position through one descriptor, so that nothing in it can make
// libav open another file or the network. Not for use outside data/media.
class VideoFile {
 public:
  // Throws Error(kCorrupt) for what is not a regular file with something in it.
  explicit VideoFile(FileHandle handle);
  VideoFile(const VideoFile&) = delete;
  VideoFile& operator=(const VideoFile&) = delete;

  // A reader of it from the beginning; valid as long as this. The one before must be gone.
  AvIo rewound();

  std::int64_t size() const { return size_; }
  // For libav, and size(), it ends there.
  void end_at(std::int64_t size) { size_ = size; }

  // Without libav: false where there are not so many bytes.
  bool read_at(std::uint64_t place, void* out, std::size_t bytes) const;

  // Throws Error(kIo) if the system failed to read it: no fault of the file.
  void check() const;

 private:
  static int read(void* opaque, std::uint8_t* out, int bytes);
  static std::int64_t seek(void* opaque, std::int64_t offset, int whence);

  FileHandle handle_;
  std::int64_t position_ = 0;
  std::int64_t size_ = 0;
  int error_ = 0;
};

}  // namespace muybridge
