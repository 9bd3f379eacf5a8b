#pragma once

#include <cstdint>
#include <deque>

#include "data/media/av_handles.h"
#include "data/media/transport_joins.h"
#include "data/media/video_notes.h"

namespace muybridge {

// The packets of a file as the reader wants them: those of recordings that were joined are whole,
// and it is known where one ends. Not for use outside data/media.
class VideoPackets {
 public:
  // Both outlive this. `stream` is the one that is read.
  VideoPackets(AVFormatContext& demuxer, const AVStream& stream);

  // The next packet of any stream that is not discarded, into `packet`, which is empty. Returns
  // libav's error, AVERROR_EOF at the end.
  int next(AVPacket& packet);

  // Whether another recording begins with the packet that next() gave last: it needs none of the
  // pictures before it.
  bool begins_recording() const { return begins_; }

  // Where the last whole packet of the stream ended in the file; 0 if nobody says.
  std::int64_t read_to() const { return read_to_; }

  void explain(VideoNotes& notes) const;

 private:
  struct Read {
    AvPacket packet = make_packet();
    int result = 0;
    bool begins = false;
  };
  Read read();
  void look_ahead(AVPacket& torn);
  bool of_stream(const Read& read) const;

  AVFormatContext& demuxer_;
  const AVStream& stream_;
  TransportJoins joins_;
  std::deque<Read> ahead_;  // behind a torn packet
  bool begins_ = false;
  std::int64_t read_to_ = 0;
};

}  // namespace muybridge
