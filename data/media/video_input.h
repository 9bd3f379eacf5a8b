#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/file_handle.h"
#include "data/media/video_geometry.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

// The only readers of libav's demuxers and decoders. Not for use outside data/media.
namespace muybridge {

template <auto Free>
struct AvCloser {
  void operator()(auto* handle) const noexcept { Free(&handle); }
};
using AvFrame = std::unique_ptr<AVFrame, AvCloser<&av_frame_free>>;
using AvPacket = std::unique_ptr<AVPacket, AvCloser<&av_packet_free>>;
using AvDecoder = std::unique_ptr<AVCodecContext, AvCloser<&avcodec_free_context>>;
using AvDemuxer = std::unique_ptr<AVFormatContext, AvCloser<&avformat_close_input>>;
struct AvIoCloser {
  void operator()(AVIOContext* io) const noexcept;
};
using AvIo = std::unique_ptr<AVIOContext, AvIoCloser>;

std::string av_reason(int error);

struct PositionedFile {
  FileHandle handle;
  std::int64_t position = 0;
  std::int64_t size = 0;
};

// The decoded pictures of the best video stream of a file, in the order of presentation. Reads
// through its own descriptor, so that no file can make libav open another one or the network.
class VideoInput {
 public:
  // Throws Error(kCorrupt) where there is no video to decode. `max_pixels` bounds a picture.
  VideoInput(FileHandle file, std::int64_t max_pixels);
  VideoInput(const VideoInput&) = delete;
  VideoInput& operator=(const VideoInput&) = delete;

  // The next picture, valid until the next call; nullptr at the end. Pictures that libav had to
  // conceal are never given out: the stream ends before them and damage() says why.
  const AVFrame* next();

  // To the last key picture at or before `seconds` after the beginning; false if it cannot.
  bool seek(double seconds);

  // Presentation time of a picture, in seconds after the beginning of the stream.
  double time_of(const AVFrame& frame) const;

  const AVStream& stream() const { return *stream_; }
  const AVCodecContext& decoder() const { return *decoder_; }
  Orientation orientation() const { return orientation_; }
  bool is_image() const;
  double rate() const;     // pictures a second, on average; 0 if unknown
  double seconds() const;  // 0 if unknown
  const std::string& damage() const { return damage_; }

 private:
  void open_demuxer();
  void open_decoder(std::int64_t max_pixels);
  bool feed();
  void end_of_file();
  bool follows(const AVFrame& frame) const;
  double promised_seconds() const;
  void stop(const std::string& reason);

  PositionedFile file_;
  AvIo io_;
  AvDemuxer demuxer_;
  AvDecoder decoder_;
  AvPacket packet_;
  AvFrame frame_;
  AVStream* stream_ = nullptr;
  Orientation orientation_;
  std::int64_t origin_ = AV_NOPTS_VALUE;
  std::string damage_;
  std::int64_t fruitless_ = 0;  // packets since the last picture
  bool started_ = false;        // a good picture was seen
  bool draining_ = false;
  bool short_ = false;      // packets are missing at the end
  double last_packet_ = 0;  // the latest time of any packet
  double last_picture_ = -1e9;
};

// What a display matrix (nine numbers, as libav stores it) does to a picture, to the next quarter.
Orientation orientation_of(const std::int32_t* matrix);

}  // namespace muybridge
