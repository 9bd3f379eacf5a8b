#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "data/media/av_handles.h"
#include "data/media/picture/image_facts.h"
#include "data/media/picture/video_geometry.h"
#include "data/media/video_file.h"
#include "data/media/video_packets.h"

namespace muybridge {

// A file opened by libav, and the best of its video streams: what they say of themselves, and the
// packets. Not for use outside data/media.
class VideoContainer {
 public:
  // Reads the file from its beginning; `torn`: a part of it goes on behind its end. Throws Error:
  // kCorrupt where there is no video, kIo where the system fails to read.
  VideoContainer(VideoFile& file, bool torn);
  VideoContainer(const VideoContainer&) = delete;
  VideoContainer& operator=(const VideoContainer&) = delete;

  const AVStream& stream() const { return *stream_; }
  VideoPackets& packets() { return *packets_; }  // of the stream, and of those beside it
  const VideoPackets& packets() const { return *packets_; }
  const char* format() const { return demuxer_->iformat->name; }
  Orientation orientation() const { return orientation_; }
  bool premultiplied() const { return facts_.premultiplied; }  // its colours, by its alpha
  bool is_image() const;
  double rate() const;              // pictures a second, on average, as the file says; 0 if unknown
  double seconds() const;           // as the file says; 0 if unknown
  double promised_seconds() const;  // by the file's own index, not guessed; else 0
  bool cut_off() const { return cut_off_; }  // its index names packets behind the end of the file
  double end_of(const AVPacket& packet) const;  // in seconds after the beginning; 0 if unknown

  // Throws Error(kCorrupt) "<what>: <libav's reason>", or kIo where the system was it.
  [[noreturn]] void refuse(const std::string& what, int error) const;

 private:
  void open();
  void choose_stream(bool torn);
  void look_at_index();
  bool says_length_of_all() const;

  VideoFile& file_;
  AvIo io_;
  AvDemuxer demuxer_;
  AVStream* stream_ = nullptr;
  std::optional<VideoPackets> packets_;
  ImageFacts facts_;
  Orientation orientation_;
  bool cut_off_ = false;
};

// What a display matrix (nine numbers, as libav stores it) does to a picture, to the next quarter.
Orientation orientation_of(const std::int32_t* matrix);

}  // namespace muybridge
