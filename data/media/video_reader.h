#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/system/file_handle.h"
#include "data/media/frames.h"
#include "data/media/picture/video_geometry.h"

namespace muybridge {

struct ReadOptions {
  SizeOptions size;
  double fps = 0;              // frames a second of the result; 0: every picture of the file
  std::int64_t count = -1;     // frames of the result to give; -1: all
  std::int64_t cut_first = 0;  // use only the pictures number cut_first .. cut_end - 1 of the file;
  std::int64_t cut_end = -1;   // -1: to the end
  std::int64_t max_pixels = std::int64_t{1} << 26;  // a picture of the file; more is refused
  int threads = 1;  // that libav may use; the frames are the same with any number
};

struct VideoInfo {
  int width = 0;  // as a viewer sees it, before any crop
  int height = 0;
  double fps = 0;      // of the file, on average, as it says; 0 if unknown
  double seconds = 0;  // as it says; 0 if unknown
  bool image = false;  // one still picture
  std::string codec;
};

// Decodes one file, front to back. Images are clips of one frame. Not thread-safe.
//
// Without options.fps each picture of the file is given once, at its own time. With it the result
// follows the clock: a picture is shown until the next one's time, the last one as long as the file
// says, so pauses are filled and pictures that are too fast are left out.
class VideoReader {
 public:
  // Throws Error: kIo if the file cannot be opened or read, kCorrupt if it holds no video; and
  // std::bad_alloc. So does next(). `on_picture` is called for each picture that is decoded.
  explicit VideoReader(const std::filesystem::path& path, const ReadOptions& options = {});
  VideoReader(FileHandle file, const ReadOptions& options, std::function<void()> on_picture = {});
  ~VideoReader();
  VideoReader(const VideoReader&) = delete;
  VideoReader& operator=(const VideoReader&) = delete;

  const VideoInfo& info() const;
  double fps() const;  // of the result, on average; 1 if nothing is known
  int width() const;   // of the result
  int height() const;
  std::size_t frame_bytes() const;

  // Frames that the whole file would give, estimated from what it says of itself; 0 if unknown.
  std::int64_t expected_frames() const;

  // Fills [height, width, 3]; false at the end.
  bool next(std::uint8_t* rgb);

  // When the frame that next() gave last is to be seen, in seconds after the first of the file.
  double time() const;

  // After the end: whether nothing of the file is left, so that a larger `count` gives no more.
  bool finished() const;

  // After the end: why the file gave less than it should have; empty if it is whole.
  const std::string& damage() const;

  // What was guessed or done to the pictures given so far.
  std::vector<std::string> notes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All frames at once. Throws Error(kCorrupt) for a file without a good frame.
Frames read_video(const std::filesystem::path& path, const ReadOptions& options = {});

}  // namespace muybridge
