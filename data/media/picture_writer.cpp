#include "data/media/picture_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "core/error.h"
#include "data/media/av_handles.h"
#include "data/media/picture/enlarge.h"
#include "data/media/picture/palette.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace muybridge {
namespace {

constexpr std::int64_t kGifTicks = 100;     // a second
constexpr std::int64_t kGifLeastTicks = 2;  // of a frame; browsers slow down what is shorter

using AvEncoder = AvDecoder;  // one handle for both

int check(int result, const char* call) {
  if (result < 0) fail(ExitCode::kInternal, "{} failed: {}", call, av_reason(result));
  return result;
}

void check_request(const Frames& frames, int upscale) {
  if (frames.count < 1 || frames.height < 1 || frames.width < 1 || upscale < 1 || upscale > 64 ||
      frames.rgb.size() != frames.frame_bytes() * static_cast<std::size_t>(frames.count))
    fail(ExitCode::kUsage, "{} frames of {}x{}, upscale {}, make no picture", frames.count,
         frames.width, frames.height, upscale);
}

AvEncoder open_encoder(AVCodecID id, AVPixelFormat format, int width, int height,
                       AVRational time_base) {
  const AVCodec* codec = avcodec_find_encoder(id);
  if (codec == nullptr)
    fail(ExitCode::kUsage, "libav has no encoder for {}; install an FFmpeg that has it",
         avcodec_get_name(id));
  AvEncoder encoder(avcodec_alloc_context3(codec));
  encoder->width = width;
  encoder->height = height;
  encoder->pix_fmt = format;
  encoder->time_base = time_base;
  encoder->thread_count = 1;
  encoder->flags |= AV_CODEC_FLAG_BITEXACT;
  check(avcodec_open2(encoder.get(), codec, nullptr), "avcodec_open2");
  return encoder;
}

AvFrame make_picture(const AVCodecContext& encoder) {
  AvFrame picture(av_frame_alloc());
  picture->width = encoder.width;
  picture->height = encoder.height;
  picture->format = encoder.pix_fmt;
  if (av_frame_get_buffer(picture.get(), 0) < 0) throw std::bad_alloc();
  return picture;
}

// A muxer of a GIF that collects it in memory.
class GifFile {
 public:
  // The muxer knows how long a frame lasts from the next one's time; not the last one's.
  GifFile(const AVCodecContext& encoder, std::int64_t ticks_of_last) {
    AVFormatContext* raw = nullptr;
    check(avformat_alloc_output_context2(&raw, nullptr, "gif", nullptr),
          "avformat_alloc_output_context2");
    muxer_.reset(raw);
    muxer_->flags |= AVFMT_FLAG_BITEXACT;
    AVStream* stream = avformat_new_stream(raw, nullptr);
    stream->time_base = encoder.time_base;
    check(avcodec_parameters_from_context(stream->codecpar, &encoder),
          "avcodec_parameters_from_context");
    check(avio_open_dyn_buf(&raw->pb), "avio_open_dyn_buf");
    av_opt_set_int(raw->priv_data, "final_delay", ticks_of_last, 0);
    check(avformat_write_header(raw, nullptr), "avformat_write_header");
  }
  ~GifFile() { take(); }
  GifFile(const GifFile&) = delete;
  GifFile& operator=(const GifFile&) = delete;

  void add(AVCodecContext& encoder, const AVFrame* picture) {
    check(avcodec_send_frame(&encoder, picture), "avcodec_send_frame");
    const AvPacket packet(av_packet_alloc());
    while (avcodec_receive_packet(&encoder, packet.get()) >= 0) {
      av_packet_rescale_ts(packet.get(), encoder.time_base, muxer_->streams[0]->time_base);
      check(av_interleaved_write_frame(muxer_.get(), packet.get()), "av_interleaved_write_frame");
    }
  }

  std::string finish() {
    check(av_write_trailer(muxer_.get()), "av_write_trailer");
    return take();
  }

 private:
  struct Freer {
    void operator()(AVFormatContext* muxer) const noexcept { avformat_free_context(muxer); }
  };

  std::string take() {
    if (muxer_->pb == nullptr) return {};
    std::uint8_t* bytes = nullptr;
    const int size = avio_close_dyn_buf(muxer_->pb, &bytes);
    muxer_->pb = nullptr;
    std::string content(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    av_free(bytes);
    return content;
  }

  std::unique_ptr<AVFormatContext, Freer> muxer_;
};

void paint(const std::vector<std::uint8_t>& rgb, const Palette& palette, AVFrame& picture) {
  std::fill_n(reinterpret_cast<std::uint32_t*>(picture.data[1]), 256, 0xFF000000U);
  for (std::size_t i = 0; i < palette.colors().size(); ++i) {
    const auto& [red, green, blue] = palette.colors()[i];
    reinterpret_cast<std::uint32_t*>(picture.data[1])[i] =
        0xFF000000U | std::uint32_t{red} << 16 | std::uint32_t{green} << 8 | blue;
  }
  const std::uint8_t* in = rgb.data();
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x, in += 3)
      picture.data[0][std::ptrdiff_t{picture.linesize[0]} * y + x] = palette.place(in);
}

}  // namespace

std::string encode_gif(const Frames& frames, double fps, int upscale) {
  check_request(frames, upscale);
  if (!(fps > 0 && fps <= 1000)) fail(ExitCode::kUsage, "{} frames a second make no GIF", fps);
  const int width = frames.width * upscale, height = frames.height * upscale;
  const AvEncoder encoder = open_encoder(AV_CODEC_ID_GIF, AV_PIX_FMT_PAL8, width, height,
                                         {1, static_cast<int>(kGifTicks)});
  const Palette palette(frames);
  const auto tick_of = [fps](int index) {
    return std::llround(index * static_cast<double>(kGifTicks) / fps);
  };
  std::vector<int> kept;
  for (int index = 0; index < frames.count; ++index)
    if (kept.empty() || tick_of(index) - tick_of(kept.back()) >= kGifLeastTicks)
      kept.push_back(index);
  GifFile file(*encoder, std::max<std::int64_t>(tick_of(frames.count) - tick_of(kept.back()),
                                                kGifLeastTicks));
  std::vector<std::uint8_t> rgb(std::size_t{3} * width * height);
  for (const int index : kept) {
    enlarge_frame(frames, index, upscale, width, height, rgb.data(), std::ptrdiff_t{3} * width);
    const AvFrame picture = make_picture(*encoder);
    paint(rgb, palette, *picture);
    picture->pts = tick_of(index);
    file.add(*encoder, picture.get());
  }
  file.add(*encoder, nullptr);
  return file.finish();
}

std::string encode_png(const Frames& frames, int index, int upscale) {
  check_request(frames, upscale);
  const AvEncoder encoder = open_encoder(AV_CODEC_ID_PNG, AV_PIX_FMT_RGB24, frames.width * upscale,
                                         frames.height * upscale, {1, 25});
  const AvFrame picture = make_picture(*encoder);
  enlarge_frame(frames, index, upscale, picture->width, picture->height, picture->data[0],
                picture->linesize[0]);
  check(avcodec_send_frame(encoder.get(), picture.get()), "avcodec_send_frame");
  const AvPacket packet(av_packet_alloc());
  check(avcodec_receive_packet(encoder.get(), packet.get()), "avcodec_receive_packet");
  return {reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size)};
}

}  // namespace muybridge
