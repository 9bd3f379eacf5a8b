#pragma once

#include <memory>
#include <new>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

// What libav gives out, owned. Not for use outside data/media.
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

// Both throw std::bad_alloc.
AvFrame make_frame();
AvPacket make_packet();

// What libav says of an error.
std::string av_reason(int error);

// Throws std::bad_alloc if `error` says that memory is short: that is no fault of a file. Returns
// `error`.
int with_memory(int error);

// libav explains its errors in its log only. From here on this thread keeps the latest line, and
// explained() adds it to a reason.
void listen_to_libav();
std::string explained(const std::string& reason);
bool libav_complained();   // since listen_to_libav()
int decoder_complaints();  // errors of all decoders, whichever threads they use, so far

}  // namespace muybridge
