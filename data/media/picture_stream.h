#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/system/file_handle.h"
#include "data/media/video_clock.h"
#include "data/media/video_deinterlace.h"
#include "data/media/video_input.h"
#include "data/media/video_notes.h"

namespace muybridge {

// The pictures of a file, each once, in order, whole (not interlaced), each at its time.
class PictureStream {
 public:
  // As VideoInput. What is done to the pictures goes to `notes`.
  PictureStream(FileHandle file, std::int64_t max_pixels, int threads, VideoNotes& notes);

  // False at the end. What was in `picture` is gone in any case.
  bool next(TimedPicture& picture);

  const VideoInput& input() const { return input_; }
  const VideoClock& clock() const { return clock_; }

 private:
  bool read(TimedPicture& picture);

  VideoInput input_;
  VideoNotes& notes_;
  VideoClock clock_;
  Deinterlacer deinterlacer_;
  bool deinterlaces_ = false;
  bool ended_ = false;
};

}  // namespace muybridge
