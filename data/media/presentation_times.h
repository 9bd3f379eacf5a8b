#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "data/media/av_handles.h"
#include "data/media/video_notes.h"

namespace muybridge {

// When pictures are to be seen, where a file says only when they are to be decoded, as MXF and what
// FFmpeg's libxvid writes: the times rise in the order of decoding though pictures refer to later
// ones, so that each would get the time of another. There they are given to the pictures in their
// own order. The times of all other files are left as they are. Not for use outside data/media.
class PresentationTimes {
 public:
  // The next packet that the decoder gets.
  void sent(const AVPacket& packet);

  // Of the next picture that comes out, in ticks of the stream; nothing if the file does not say.
  // The same however far the decoder has read ahead.
  std::optional<std::int64_t> of(const AVFrame& picture);

  void explain(VideoNotes& notes) const;

 private:
  std::set<std::int64_t> waiting_;  // times of packets whose pictures are to come
  bool rising_ = true;              // the times of all packets so far
  std::int64_t latest_ = AV_NOPTS_VALUE;
  bool of_decoding_ = false;
};

}  // namespace muybridge
