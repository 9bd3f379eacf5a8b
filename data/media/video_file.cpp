#include "data/media/video_file.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr int kIoBuffer = 1 << 16;

}  // namespace

VideoFile::VideoFile(FileHandle handle) : handle_(std::move(handle)) {
  struct stat status {};
  if (::fstat(handle_.get(), &status) != 0) fail_errno("fstat", errno);
  if (!S_ISREG(status.st_mode)) fail(ExitCode::kCorrupt, "not a regular file");
  if (status.st_size == 0) fail(ExitCode::kCorrupt, "the file is empty");
  size_ = status.st_size;
}

AvIo VideoFile::rewound() {
  position_ = 0;
  auto* buffer = static_cast<std::uint8_t*>(av_malloc(kIoBuffer));
  if (buffer == nullptr) throw std::bad_alloc();
  AvIo io(
      avio_alloc_context(buffer, kIoBuffer, 0, this, &VideoFile::read, nullptr, &VideoFile::seek));
  if (!io) {
    av_free(buffer);
    throw std::bad_alloc();
  }
  return io;
}

void VideoFile::check() const {
  if (error_ != 0) fail_errno("reading the file", error_);
}

int VideoFile::read(void* opaque, std::uint8_t* out, int bytes) {
  auto& file = *static_cast<VideoFile*>(opaque);
  const std::int64_t left = file.size_ - file.position_;
  if (left <= 0) return AVERROR_EOF;
  const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(bytes, left));
  ssize_t got;
  do got = ::pread(file.handle_.get(), out, wanted, file.position_);
  while (got < 0 && errno == EINTR);
  if (got < 0) {
    file.error_ = errno;
    return AVERROR(file.error_);
  }
  file.position_ += got;
  return got == 0 ? AVERROR_EOF : static_cast<int>(got);
}

std::int64_t VideoFile::seek(void* opaque, std::int64_t offset, int whence) {
  auto& file = *static_cast<VideoFile*>(opaque);
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return file.size_;
  if (whence == SEEK_CUR) offset += file.position_;
  if (whence == SEEK_END) offset += file.size_;
  if (offset < 0) return AVERROR(EINVAL);
  return file.position_ = offset;
}

bool VideoFile::read_at(std::uint64_t place, void* out, std::size_t bytes) const {
  return muybridge::read_at(handle_, out, bytes, place, "reading the file") == bytes;
}

}  // namespace muybridge
