#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/system/file_handle.h"

namespace muybridge {

// The latest frames of a video, between its decoder and its clips: in memory where `capacity` of
// them fit into `memory_bytes`, else in a nameless file in `scratch`, so that clips of any size
// take a bounded part of memory. Not thread-safe.
class FrameStore {
 public:
  // Throws Error(kIo) when the file cannot be made.
  FrameStore(std::size_t frame_bytes, std::int64_t capacity, std::size_t memory_bytes,
             const std::filesystem::path& scratch);

  // Frames are numbered as they come. Throws Error(kInternal) when `capacity` are held already,
  // Error(kIo) when the disk is full.
  void push(const std::uint8_t* rgb);
  void drop_before(std::int64_t frame);

  // A frame that is held; valid until the next call of any kind. Throws Error(kIo).
  const std::uint8_t* frame(std::int64_t number);

  std::int64_t end() const { return end_; }

 private:
  std::size_t slot(std::int64_t number) const {
    return static_cast<std::size_t>(number % capacity_) * frame_bytes_;
  }

  std::size_t frame_bytes_;
  std::int64_t capacity_;
  std::vector<std::uint8_t> memory_;  // all slots, or one frame read from the file
  FileHandle file_;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
};

}  // namespace muybridge
