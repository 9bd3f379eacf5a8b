#include "data/media/video_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <memory>
#include <mutex>
#include <system_error>

#include "core/error.h"
#include "core/log.h"
#include "data/media/av_handles.h"
#include "data/media/picture/enlarge.h"

extern "C" {
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

namespace muybridge {
namespace {

using AvEncoder = AvDecoder;  // one handle for both
struct ScalerFreer {
  void operator()(SwsContext* scaler) const noexcept { sws_freeContext(scaler); }
};
using Scaler = std::unique_ptr<SwsContext, ScalerFreer>;
struct MuxerFreer {
  void operator()(AVFormatContext* muxer) const noexcept {
    avio_closep(&muxer->pb);
    avformat_free_context(muxer);
  }
};
using Muxer = std::unique_ptr<AVFormatContext, MuxerFreer>;

// A file that is removed unless it was moved to its place.
class Draft {
 public:
  explicit Draft(const std::filesystem::path& target)
      : target_(target), path_(fmt::format("{}.{}.part", target.string(), getpid())) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    std::error_code error, unknown;
    if (!kept_ && !std::filesystem::remove(path_, error) && error &&
        std::filesystem::exists(path_, unknown)) {
      log_warning("{}: could not be removed: {}", path_, error.message());
    }
  }
  const std::string& path() const { return path_; }
  void keep() {
    std::error_code error;
    std::filesystem::rename(path_, target_, error);
    if (error) fail_errno(fmt::format("rename({} to {})", path_, target_.string()), error.value());
    kept_ = true;
  }

 private:
  std::filesystem::path target_;
  std::string path_;
  bool kept_ = false;
};

int check(int result, const char* call, const std::filesystem::path& path) {
  if (result < 0) {
    fail(ExitCode::kIo, "{}: {} failed: {}; check the folder and the free space of its disk",
         path.string(), call, av_reason(result));
  }
  return result;
}

const AVCodec* find_encoder(const std::string& name) {
  if (!name.empty()) {
    const AVCodec* codec = avcodec_find_encoder_by_name(name.c_str());
    if (codec == nullptr) {
      fail(ExitCode::kUsage,
           "video encoder \"{}\": libav does not have it; leave it out for \"{}\"", name,
           default_video_encoder());
    }
    return codec;
  }
  const std::string found = default_video_encoder();
  if (found.empty()) {
    fail(ExitCode::kUsage,
         "libav has no encoder for MP4 (looked for libx264, libopenh264, mpeg4); install an FFmpeg "
         "with libx264");
  }
  static std::once_flag told;
  if (found == "mpeg4") {
    std::call_once(told, [] {
      log_warning(
          "libav has no H.264 encoder: clips are MPEG-4 part 2, which browsers do not play");
    });
  }
  return avcodec_find_encoder_by_name(found.c_str());
}

void set_quality(AVCodecContext& context, const VideoOptions& options) {
  const std::string name = context.codec->name;
  if (name == "libx264") {
    av_opt_set(context.priv_data, "preset", "medium", 0);
    av_opt_set_double(context.priv_data, "crf", options.crf, 0);
    // The same bytes on every kind of CPU.
    av_opt_set(context.priv_data, "x264-params", "cpu-independent=1", 0);
  } else if (name == "mpeg4") {
    context.flags |= AV_CODEC_FLAG_QSCALE;
    context.global_quality = FF_QP2LAMBDA * std::clamp(options.crf / 6, 1, 31);
  } else {
    context.qmin = std::max(options.crf - 4, 1);
    context.qmax = std::min(options.crf + 4, 51);
    context.bit_rate = std::max<std::int64_t>(
        200'000, std::llround(2.0 * context.width * context.height * options.fps));
  }
}

AvEncoder open_encoder(const AVCodec* codec, int width, int height, const VideoOptions& options,
                       bool global_header, const std::filesystem::path& path) {
  AvEncoder context(avcodec_alloc_context3(codec));
  context->width = width;
  context->height = height;
  context->framerate = av_d2q(options.fps, 100'000);
  context->time_base = av_inv_q(context->framerate);
  context->pix_fmt = AV_PIX_FMT_YUV420P;
  context->color_range = AVCOL_RANGE_MPEG;
  context->colorspace = AVCOL_SPC_SMPTE170M;
  context->color_primaries = AVCOL_PRI_BT709;
  context->color_trc = AVCOL_TRC_IEC61966_2_1;
  context->thread_count = 1;  // more threads give other bytes; clips are encoded side by side
  context->max_b_frames = 0;
  context->flags |= AV_CODEC_FLAG_BITEXACT;
  if (global_header) context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  set_quality(*context, options);
  check(avcodec_open2(context.get(), codec, nullptr), "avcodec_open2", path);
  return context;
}

AvFrame make_picture(int width, int height, AVPixelFormat format) {
  AvFrame picture(av_frame_alloc());
  picture->width = width;
  picture->height = height;
  picture->format = format;
  if (av_frame_get_buffer(picture.get(), 0) < 0) throw std::bad_alloc();
  return picture;
}

// Moves what the encoder has ready into the file.
void drain(AVCodecContext& encoder, AVFormatContext& muxer, AVPacket& packet,
           const std::filesystem::path& path) {
  for (;;) {
    const int result = avcodec_receive_packet(&encoder, &packet);
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    check(result, "avcodec_receive_packet", path);
    packet.duration = 1;
    av_packet_rescale_ts(&packet, encoder.time_base, muxer.streams[0]->time_base);
    check(av_interleaved_write_frame(&muxer, &packet), "av_interleaved_write_frame", path);
  }
}

void check_request(const std::filesystem::path& path, const Frames& frames,
                   const VideoOptions& options) {
  if (frames.count < 1 || frames.height < 1 || frames.width < 1 ||
      frames.rgb.size() != frames.frame_bytes() * frames.count) {
    fail(ExitCode::kUsage, "{}: {} frames of {}x{} with {} bytes make no video", path.string(),
         frames.count, frames.width, frames.height, frames.rgb.size());
  }
  if (!(options.fps > 0.0 && options.fps <= 1000.0) || options.crf < 0 || options.crf > 51 ||
      options.upscale < 1 || options.upscale > 64) {
    fail(ExitCode::kUsage,
         "{}: fps {}, crf {}, upscale {}; they must lie in (0, 1000], [0, 51], [1, 64]",
         path.string(), options.fps, options.crf, options.upscale);
  }
}

}  // namespace

std::string default_video_encoder() {
  for (const char* name : {"libx264", "libopenh264", "mpeg4"}) {
    if (avcodec_find_encoder_by_name(name) != nullptr) return name;
  }
  return "";
}

void write_video(const std::filesystem::path& path, const Frames& frames,
                 const VideoOptions& options) {
  check_request(path, frames, options);
  static std::once_flag quiet;  // libav and x264 talk about every file; only errors are news
  std::call_once(quiet, [] { av_log_set_level(std::min(av_log_get_level(), AV_LOG_ERROR)); });
  const int width = (frames.width * options.upscale + 1) / 2 * 2;
  const int height = (frames.height * options.upscale + 1) / 2 * 2;
  const AVCodec* codec = find_encoder(options.encoder);

  Draft draft(path);
  AVFormatContext* raw_muxer = nullptr;
  check(avformat_alloc_output_context2(&raw_muxer, nullptr, "mp4", draft.path().c_str()),
        "avformat_alloc_output_context2", path);
  Muxer muxer(raw_muxer);
  muxer->flags |= AVFMT_FLAG_BITEXACT;
  if (!options.comment.empty()) {
    av_dict_set(&muxer->metadata, "comment", options.comment.c_str(), 0);
  }
  const AvEncoder encoder = open_encoder(codec, width, height, options,
                                         (muxer->oformat->flags & AVFMT_GLOBALHEADER) != 0, path);
  AVStream* stream = avformat_new_stream(muxer.get(), nullptr);
  stream->time_base = encoder->time_base;
  stream->avg_frame_rate = encoder->framerate;
  check(avcodec_parameters_from_context(stream->codecpar, encoder.get()),
        "avcodec_parameters_from_context", path);
  check(avio_open(&muxer->pb, draft.path().c_str(), AVIO_FLAG_WRITE), "avio_open", path);
  AVDictionary* muxer_options = nullptr;
  av_dict_set(&muxer_options, "movflags", "+faststart", 0);
  const int header = avformat_write_header(muxer.get(), &muxer_options);
  av_dict_free(&muxer_options);
  check(header, "avformat_write_header", path);

  const AvFrame rgb = make_picture(width, height, AV_PIX_FMT_RGB24);
  const AvFrame yuv = make_picture(width, height, AV_PIX_FMT_YUV420P);
  const Scaler scaler(sws_getContext(
      width, height, AV_PIX_FMT_RGB24, width, height, AV_PIX_FMT_YUV420P,
      SWS_AREA | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_BITEXACT, nullptr, nullptr, nullptr));
  if (!scaler) throw std::bad_alloc();
  const AvPacket packet(av_packet_alloc());
  for (int index = 0; index < frames.count; ++index) {
    enlarge_frame(frames, index, options.upscale, width, height, rgb->data[0], rgb->linesize[0]);
    check(av_frame_make_writable(yuv.get()), "av_frame_make_writable", path);
    sws_scale(scaler.get(), rgb->data, rgb->linesize, 0, height, yuv->data, yuv->linesize);
    yuv->pts = index;
    check(avcodec_send_frame(encoder.get(), yuv.get()), "avcodec_send_frame", path);
    drain(*encoder, *muxer, *packet, path);
  }
  check(avcodec_send_frame(encoder.get(), nullptr), "avcodec_send_frame", path);
  drain(*encoder, *muxer, *packet, path);
  check(av_write_trailer(muxer.get()), "av_write_trailer", path);
  avio_flush(muxer->pb);
  check(muxer->pb->error, "write", path);
  check(avio_closep(&muxer->pb), "close", path);
  draft.keep();
}

}  // namespace muybridge
