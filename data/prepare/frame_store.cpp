#include "data/prepare/frame_store.h"

#include <algorithm>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {

FrameStore::FrameStore(std::size_t frame_bytes, std::int64_t capacity, std::size_t memory_bytes,
                       const std::filesystem::path& scratch)
    : frame_bytes_(frame_bytes), capacity_(std::max<std::int64_t>(capacity, 1)) {
  if (static_cast<std::size_t>(capacity_) > memory_bytes / std::max<std::size_t>(frame_bytes, 1)) {
    file_ = open_nameless(scratch);
    memory_.resize(frame_bytes);
  }
}

void FrameStore::push(const std::uint8_t* rgb) {
  if (end_ - begin_ >= capacity_)
    fail(ExitCode::kInternal, "frame store: {} frames are held already", capacity_);
  const std::size_t at = slot(end_);
  if (file_) {
    write_at(file_, rgb, frame_bytes_, at, "keeping decoded frames in the folder of the corpus");
  } else {
    if (memory_.size() < at + frame_bytes_) memory_.resize(at + frame_bytes_);
    std::copy_n(rgb, frame_bytes_, memory_.data() + at);
  }
  ++end_;
}

void FrameStore::drop_before(std::int64_t frame) { begin_ = std::clamp(frame, begin_, end_); }

const std::uint8_t* FrameStore::frame(std::int64_t number) {
  if (number < begin_ || number >= end_)
    fail(ExitCode::kInternal, "frame store: frame {} is not among {} .. {}", number, begin_, end_);
  if (!file_) return memory_.data() + slot(number);
  read_at(file_, memory_.data(), frame_bytes_, slot(number), "reading decoded frames back");
  return memory_.data();
}

}  // namespace muybridge
