#include "data/media/video_input.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <string_view>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
}

namespace muybridge {
namespace {

constexpr int kIoBuffer = 1 << 16;

// Containers of pictures, none that names other files (playlists, concat scripts).
constexpr const char* kFormats =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,m4v,"
    "mjpeg,ivf,nut,gif,apng,mxf,dv,obu,rm,"
    "bmp_pipe,jpeg_pipe,jpegls_pipe,png_pipe,ppm_pipe,pgm_pipe,tiff_pipe,webp_pipe";

constexpr std::int64_t kFruitlessPackets = 512;

thread_local std::string last_complaint;

// libav explains its errors on stderr only; the latest line is kept for our own messages.
void keep_complaint(void* source, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_ERROR) return;
  char line[256];
  int print_prefix = 0;
  av_log_format_line2(source, level, format, arguments, line, sizeof(line), &print_prefix);
  std::string_view text = line;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (!text.empty()) last_complaint = text;
}

void listen_to_libav() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(&keep_complaint); });
  last_complaint.clear();
}

std::string explained(const std::string& reason) {
  return last_complaint.empty() ? reason : reason + " (" + last_complaint + ")";
}

[[noreturn]] void refuse(const std::string& what, int error) {
  fail(ExitCode::kCorrupt, "{}: {}", what, explained(av_reason(error)));
}

// Reads by position: the descriptor may be shared with other decoders of the same file.
int read_file(void* opaque, std::uint8_t* out, int bytes) {
  auto& file = *static_cast<PositionedFile*>(opaque);
  ssize_t got;
  do got = ::pread(file.handle.get(), out, static_cast<std::size_t>(bytes), file.position);
  while (got < 0 && errno == EINTR);
  if (got < 0) return AVERROR(errno);
  file.position += got;
  return got == 0 ? AVERROR_EOF : static_cast<int>(got);
}

std::int64_t seek_file(void* opaque, std::int64_t offset, int whence) {
  auto& file = *static_cast<PositionedFile*>(opaque);
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return file.size;
  if (whence == SEEK_CUR) offset += file.position;
  if (whence == SEEK_END) offset += file.size;
  if (offset < 0) return AVERROR(EINVAL);
  return file.position = offset;
}

int refuse_other_files(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

}  // namespace

std::string av_reason(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

void AvIoCloser::operator()(AVIOContext* io) const noexcept {
  av_freep(&io->buffer);
  avio_context_free(&io);
}

Orientation orientation_of(const std::int32_t* matrix) {
  double a = matrix[0];
  double b = matrix[1];
  const double c = matrix[3];
  const double d = matrix[4];
  Orientation result;
  result.mirror = a * d - b * c < 0;
  if (result.mirror) a = -a, b = -b;
  if (a != 0 || b != 0) {
    const double quarters = std::atan2(b, a) / (M_PI / 2);
    result.quarter_turns = (static_cast<int>(std::lround(quarters)) + 4) % 4;
  }
  return result;
}

VideoInput::VideoInput(FileHandle file, std::int64_t max_pixels)
    : file_{.handle = std::move(file)}, packet_(av_packet_alloc()), frame_(av_frame_alloc()) {
  struct stat status {};
  if (::fstat(file_.handle.get(), &status) != 0) fail_errno("fstat", errno);
  if (!S_ISREG(status.st_mode)) fail(ExitCode::kCorrupt, "not a regular file");
  if (status.st_size == 0) fail(ExitCode::kCorrupt, "the file is empty");
  file_.size = status.st_size;
  listen_to_libav();
  open_demuxer();
  open_decoder(max_pixels);
}

void VideoInput::open_demuxer() {
  auto* buffer = static_cast<std::uint8_t*>(av_malloc(kIoBuffer));
  io_.reset(avio_alloc_context(buffer, kIoBuffer, 0, &file_, &read_file, nullptr, &seek_file));
  AVFormatContext* context = avformat_alloc_context();
  context->pb = io_.get();
  context->flags |= AVFMT_FLAG_CUSTOM_IO;
  context->io_open = &refuse_other_files;
  context->format_whitelist = av_strdup(kFormats);
  const int opened = avformat_open_input(&context, "", nullptr, nullptr);
  if (opened < 0 && last_complaint.find("whitelist") != std::string::npos) {
    fail(ExitCode::kCorrupt, "not a video or image that can be read: a playlist or a rare format");
  }
  if (opened < 0) refuse("not a video or image that can be read", opened);
  demuxer_.reset(context);

  const int probed = avformat_find_stream_info(context, nullptr);
  if (probed < 0) refuse("its streams cannot be read", probed);
  const int index = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  const bool cover =
      index >= 0 && (context->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (index < 0 || cover) {
    const bool audio = av_find_best_stream(context, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0) >= 0;
    fail(ExitCode::kCorrupt, "no video stream{}", audio ? ", only audio" : "");
  }
  stream_ = context->streams[index];
  for (unsigned i = 0; i < context->nb_streams; ++i) {
    if (static_cast<int>(i) != index) context->streams[i]->discard = AVDISCARD_ALL;
  }
  origin_ = stream_->start_time;
  const auto* matrix = reinterpret_cast<const std::int32_t*>(
      av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
  if (matrix != nullptr) orientation_ = orientation_of(matrix);
}

void VideoInput::open_decoder(std::int64_t max_pixels) {
  const AVCodec* codec = avcodec_find_decoder(stream_->codecpar->codec_id);
  if (codec == nullptr) {
    fail(ExitCode::kCorrupt, "no decoder for its codec \"{}\"",
         avcodec_get_name(stream_->codecpar->codec_id));
  }
  decoder_.reset(avcodec_alloc_context3(codec));
  const int copied = avcodec_parameters_to_context(decoder_.get(), stream_->codecpar);
  if (copied < 0) refuse("its stream parameters are wrong", copied);
  decoder_->thread_count = 1;
  decoder_->pkt_timebase = stream_->time_base;
  decoder_->max_pixels = max_pixels;
  // Damage is an error, not something to paint over.
  decoder_->err_recognition |= AV_EF_EXPLODE;
  const int opened = avcodec_open2(decoder_.get(), codec, nullptr);
  if (opened < 0) refuse("its decoder cannot be opened", opened);
}

void VideoInput::stop(const std::string& reason) {
  if (damage_.empty()) damage_ = explained(reason);
  if (!draining_) avcodec_send_packet(decoder_.get(), nullptr);
  draining_ = true;
}

// A file may break off between two packets without a word: its own index knows better.
void VideoInput::end_of_file() {
  if (io_->error < 0) stop("reading failed: " + av_reason(io_->error));
  const double promised = promised_seconds();
  const double picture = rate() > 0 ? 1 / rate() : 0.04;
  const double missing = promised - last_packet_ - picture;
  if (promised > 0 && missing > 0.9 * picture) short_ = true;
  if (promised > 0 && missing > std::max(0.5, 0.05 * promised)) {
    stop(fmt::format("it breaks off after {:.1f} of {:.1f} s", last_packet_ + picture, promised));
  }
  if (!draining_) avcodec_send_packet(decoder_.get(), nullptr);
  draining_ = true;
}

// What the decoder still has at a torn end may have gaps, where pictures were to come.
bool VideoInput::follows(const AVFrame& frame) const {
  if (!draining_ || !(short_ || !damage_.empty()) || rate() <= 0) return true;
  const double time = time_of(frame);
  return std::isnan(time) || last_picture_ < 0 || time - last_picture_ < 1.6 / rate();
}

// By the file's own index, not guessed; else 0.
double VideoInput::promised_seconds() const {
  const bool guessed =
      stream_->duration <= 0 || demuxer_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE;
  return guessed || is_image() ? 0 : seconds();
}

// One packet into the decoder. False if the decoder is to be asked for what it still has.
bool VideoInput::feed() {
  const int read = av_read_frame(demuxer_.get(), packet_.get());
  if (read == AVERROR_EOF) {
    end_of_file();
    return false;
  }
  if (read < 0) {
    stop("the file breaks off: " + av_reason(read));
    return false;
  }
  const bool ours = packet_->stream_index == stream_->index;
  const bool torn = ours && (packet_->flags & AV_PKT_FLAG_CORRUPT) != 0;
  if (ours && packet_->pts != AV_NOPTS_VALUE && origin_ != AV_NOPTS_VALUE) {
    const auto ticks = static_cast<double>(packet_->pts - origin_);
    last_packet_ = std::max(last_packet_, ticks * av_q2d(stream_->time_base));
  }
  int sent = 0;
  if (ours && !torn) sent = avcodec_send_packet(decoder_.get(), packet_.get());
  av_packet_unref(packet_.get());
  const bool bad = torn || (sent < 0 && sent != AVERROR(EAGAIN));
  if (bad && started_) stop(torn ? "the file breaks off" : "damaged: " + av_reason(sent));
  if (++fruitless_ > kFruitlessPackets) stop("too many packets without a picture");
  return !draining_;
}

const AVFrame* VideoInput::next() {
  for (;;) {
    const int got = avcodec_receive_frame(decoder_.get(), frame_.get());
    if (got == AVERROR_EOF) return nullptr;
    if (got == AVERROR(EAGAIN)) {
      feed();
      continue;
    }
    const bool concealed = got == 0 && (frame_->decode_error_flags != 0 ||
                                        (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0);
    if (got == 0 && !concealed) {
      if (!follows(*frame_)) return nullptr;
      if (origin_ == AV_NOPTS_VALUE) origin_ = frame_->best_effort_timestamp;
      started_ = true;
      fruitless_ = 0;
      last_picture_ = time_of(*frame_);
      return frame_.get();
    }
    // Before the first good picture a stream that was cut out of a longer one may stumble.
    if (started_ || draining_) stop("damaged: " + (got < 0 ? av_reason(got) : "a broken picture"));
    if (++fruitless_ > kFruitlessPackets) return nullptr;
  }
}

bool VideoInput::seek(double seconds) {
  if (origin_ == AV_NOPTS_VALUE) return false;
  const auto target =
      origin_ + static_cast<std::int64_t>(std::floor(seconds / av_q2d(stream_->time_base)));
  if (av_seek_frame(demuxer_.get(), stream_->index, target, AVSEEK_FLAG_BACKWARD) < 0) return false;
  avcodec_flush_buffers(decoder_.get());
  fruitless_ = 0;
  started_ = draining_ = short_ = false;
  last_packet_ = 0;
  last_picture_ = -1e9;
  damage_.clear();
  return true;
}

double VideoInput::time_of(const AVFrame& frame) const {
  if (frame.best_effort_timestamp == AV_NOPTS_VALUE || origin_ == AV_NOPTS_VALUE) return NAN;
  return static_cast<double>(frame.best_effort_timestamp - origin_) * av_q2d(stream_->time_base);
}

bool VideoInput::is_image() const {
  const std::string_view format = demuxer_->iformat->name;
  return format.size() > 5 && format.substr(format.size() - 5) == "_pipe";
}

double VideoInput::rate() const {
  for (const AVRational rate : {stream_->avg_frame_rate, stream_->r_frame_rate}) {
    if (rate.num > 0 && rate.den > 0 && av_q2d(rate) < 1000) return av_q2d(rate);
  }
  return 0;
}

double VideoInput::seconds() const {
  if (stream_->duration > 0) {
    return static_cast<double>(stream_->duration) * av_q2d(stream_->time_base);
  }
  return demuxer_->duration > 0 ? static_cast<double>(demuxer_->duration) / AV_TIME_BASE : 0;
}

}  // namespace muybridge
