#include "data/media/video_input.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "data/media/joined_files.h"

namespace muybridge {
namespace {

// Containers of pictures, none that names other files (playlists, concat scripts).
constexpr const char* kFormats =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h261,h263,h264,"
    "hevc,m4v,vc1,vc1test,dirac,cavsvideo,mjpeg,mjpeg_2000,smjpeg,mpjpeg,ivf,nut,gif,apng,mxf,gxf,"
    "dv,dnxhd,obu,rm,wtv,nuv,nsv,roq,swf,flic,yuv4mpegpipe,"
    "bmp_pipe,jpeg_pipe,jpegls_pipe,png_pipe,ppm_pipe,pgm_pipe,pbm_pipe,pam_pipe,tiff_pipe,"
    "webp_pipe";

// Those whose header says how long the longest of their streams is, not each.
constexpr std::string_view kLengthOfAll[] = {"matroska,webm", "flv", "asf"};

constexpr std::int64_t kFruitlessPackets = 1 << 16;

// A picture that comes so many of the latest intervals after the one before does not follow it.
constexpr double kGap = 1.6;

int refuse_other_files(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

// libav's own decoders of VP8 and VP9 leave transparency aside; those of libvpx do not.
const AVCodec* decoder_for(const AVStream& stream) {
  const AVCodecID codec = stream.codecpar->codec_id;
  const AVDictionaryEntry* alpha = av_dict_get(stream.metadata, "alpha_mode", nullptr, 0);
  const char* name = codec == AV_CODEC_ID_VP8   ? "libvpx"
                     : codec == AV_CODEC_ID_VP9 ? "libvpx-vp9"
                                                : nullptr;
  if (alpha != nullptr && std::string_view(alpha->value) == "1" && name != nullptr) {
    const AVCodec* found = avcodec_find_decoder_by_name(name);
    if (found == nullptr) {
      fail(ExitCode::kCorrupt, "transparent {} needs libav with {}", avcodec_get_name(codec), name);
    }
    return found;
  }
  return avcodec_find_decoder(codec);
}

}  // namespace

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

VideoInput::VideoInput(FileHandle file, std::int64_t max_pixels, int threads)
    : file_(std::move(file)),
      max_pixels_(max_pixels),
      threads_(std::max(threads, 1)),
      packet_(make_packet()) {
  const MovieParts parts = movie_parts(file_);
  torn_ = parts.torn;
  if (parts.second) {
    leave_out(*parts.second);
    file_.end_at(*parts.second);
  }
  open(threads_);
}

void VideoInput::open(int threads) {
  listen_to_libav();
  decoder_.reset();
  packets_.reset();
  demuxer_.reset();
  io_ = file_.rewound();
  open_demuxer();
  choose_stream();
  packets_.emplace(*demuxer_, *stream_);
  look_at_index();
  open_decoder(threads);
  file_.check();
}

void VideoInput::refuse(const std::string& what, int error) const {
  file_.check();
  fail(ExitCode::kCorrupt, "{}: {}", what, explained(av_reason(with_memory(error))));
}

void VideoInput::open_demuxer() {
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) throw std::bad_alloc();
  context->pb = io_.get();
  context->flags |= AVFMT_FLAG_CUSTOM_IO;
  context->io_open = &refuse_other_files;
  context->format_whitelist = av_strdup(kFormats);
  const int opened = avformat_open_input(&context, "", nullptr, nullptr);
  if (opened < 0 && explained("").find("whitelist") != std::string::npos) {
    fail(ExitCode::kCorrupt, "not a video or image that can be read: a playlist or a rare format");
  }
  if (opened < 0) refuse("not a video or image that can be read", opened);
  demuxer_.reset(context);
  const int probed = avformat_find_stream_info(context, nullptr);
  if (probed < 0) refuse("its streams cannot be read", probed);
}

void VideoInput::choose_stream() {
  AVFormatContext* context = demuxer_.get();
  const int index = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  const bool cover =
      index >= 0 && (context->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (index < 0 || cover) {
    const bool audio = av_find_best_stream(context, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0) >= 0;
    fail(ExitCode::kCorrupt, "no video stream{}{}", audio ? ", only audio" : "",
         torn_ ? ": the file breaks off" : "");
  }
  stream_ = context->streams[index];
  for (unsigned i = 0; i < context->nb_streams && !says_length_of_all(); ++i) {
    if (static_cast<int>(i) != index) context->streams[i]->discard = AVDISCARD_ALL;
  }
  const auto* matrix = reinterpret_cast<const std::int32_t*>(
      av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
  facts_ = image_facts([this](std::uint64_t at, void* out, std::size_t bytes) {
    return file_.read_at(at, out, bytes);
  });
  if (!facts_.unreadable.empty()) fail(ExitCode::kCorrupt, "{}", facts_.unreadable);
  orientation_ = matrix != nullptr ? orientation_of(matrix) : facts_.orientation;
}

void VideoInput::look_at_index() {
  const int entries = avformat_index_get_entries_count(stream_);
  cut_off_ = false;
  for (int i = 0; i < entries && !cut_off_; ++i) {
    const AVIndexEntry* entry = avformat_index_get_entry(stream_, i);
    cut_off_ = entry->pos >= 0 && entry->pos + entry->size > file_.size();
  }
}

void VideoInput::open_decoder(int threads) {
  const AVCodec* codec = decoder_for(*stream_);
  if (codec == nullptr) {
    fail(ExitCode::kCorrupt, "no decoder for its codec \"{}\"",
         avcodec_get_name(stream_->codecpar->codec_id));
  }
  decoder_.reset(avcodec_alloc_context3(codec));
  if (!decoder_) throw std::bad_alloc();
  const int copied = avcodec_parameters_to_context(decoder_.get(), stream_->codecpar);
  if (copied < 0) refuse("its stream parameters are wrong", copied);
  // This libav aborts where damage meets threads that decode MPEG-4.
  decoder_->thread_count = codec->id == AV_CODEC_ID_MPEG4 ? 1 : threads;
  decoder_->pkt_timebase = stream_->time_base;
  decoder_->max_pixels = max_pixels_;
  // Damage is an error, not something to paint over. TIFF would take unknown tags for damage; its
  // lost pixels are known by what libav complains of.
  tells_damage_ = codec->id != AV_CODEC_ID_TIFF;
  if (tells_damage_) decoder_->err_recognition |= AV_EF_EXPLODE;
  const int opened = avcodec_open2(decoder_.get(), codec, nullptr);
  if (opened < 0) refuse("its decoder cannot be opened", opened);
  complaints_ = decoder_complaints();
}

// Pictures that several threads decode do not tell that they are damaged, their log does.
bool VideoInput::troubled() const {
  return short_ || !damage_.empty() || (threads_ > 1 && decoder_complaints() != complaints_);
}

bool VideoInput::says_length_of_all() const {
  return std::find(std::begin(kLengthOfAll), std::end(kLengthOfAll), demuxer_->iformat->name) !=
         std::end(kLengthOfAll);
}

// By the file's own index, not guessed; else 0.
double VideoInput::promised_seconds() const {
  if (is_image() || demuxer_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return 0;
  if (says_length_of_all()) {
    return demuxer_->duration > 0 ? static_cast<double>(demuxer_->duration) / AV_TIME_BASE : 0;
  }
  return stream_->duration > 0 ? seconds() : 0;
}

void VideoInput::stop(const std::string& reason) {
  if (damage_.empty()) damage_ = explained(reason);
  if (!draining_) avcodec_send_packet(decoder_.get(), nullptr);
  draining_ = true;
}

// A file may break off between two packets without a word: its own index knows better.
void VideoInput::end_of_file() {
  const bool all = unread_.empty() && !another_file_begins(packets_->read_to());
  const double promised = all ? promised_seconds() : 0;
  const double missing = promised - last_end_;
  const bool breaks_off = promised > 0 && missing > std::max(0.5, 0.05 * promised);
  short_ = cut_off_ || breaks_off;
  if (breaks_off) {
    stop(fmt::format("it breaks off after {:.1f} of {:.1f} s", last_end_, promised));
  } else if (cut_off_) {
    stop(fmt::format("it breaks off after {:.1f} s: its index names more", last_end_));
  }
  if (!draining_) avcodec_send_packet(decoder_.get(), nullptr);
  draining_ = true;
}

// What the decoder still has at a torn end may have gaps, where pictures were to come: all up to
// the latest decoding time are there, and those behind it that leave no gap.
bool VideoInput::follows() const {
  if (!draining_ || !troubled() || !started_) return true;
  if (!ticks_ || last_ticks_ == AV_NOPTS_VALUE) return short_ || decoder_->has_b_frames == 0;
  if (last_dts_ != AV_NOPTS_VALUE && *ticks_ <= last_dts_) return true;
  const std::int64_t longest = *std::max_element(intervals_.begin(), intervals_.end());
  return longest == 0 ||
         static_cast<double>(*ticks_ - last_ticks_) <= kGap * static_cast<double>(longest);
}

void VideoInput::remember() {
  if (ticks_ && last_ticks_ != AV_NOPTS_VALUE && given_ > 0) {
    intervals_[static_cast<std::size_t>(given_) % intervals_.size()] =
        std::max<std::int64_t>(*ticks_ - last_ticks_, 0);
  }
  last_ticks_ = ticks_.value_or(AV_NOPTS_VALUE);
  started_ = true;
  fruitless_ = 0;
}

// The packet into the decoder. Returns libav's error if it is damaged.
int VideoInput::send() {
  const AVPacket& packet = *packet_;
  const AVStream& stream = *demuxer_->streams[packet.stream_index];
  const std::int64_t begin = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  if (begin != AV_NOPTS_VALUE) {
    const std::int64_t origin =
        says_length_of_all() || stream.start_time == AV_NOPTS_VALUE ? 0 : stream.start_time;
    const auto ticks = static_cast<double>(begin - origin + packet.duration);
    last_end_ = std::max(last_end_, ticks * av_q2d(stream.time_base));
  }
  if (packet.stream_index != stream_->index) return 0;
  ++fruitless_;
  if ((packet.flags & AV_PKT_FLAG_CORRUPT) != 0) return AVERROR_EOF;
  times_.sent(packet);
  const int sent = with_memory(avcodec_send_packet(decoder_.get(), packet_.get()));
  if (packet.dts != AV_NOPTS_VALUE) last_dts_ = packet.dts;
  return sent == AVERROR(EAGAIN) ? 0 : sent;
}

// One packet into the decoder. False if the decoder is to be asked for what it still has.
bool VideoInput::feed() {
  const std::int64_t whole = packets_->read_to();
  const int read = with_memory(packets_->next(*packet_));
  file_.check();
  const bool doubtful =
      read < 0 || (packet_->stream_index == stream_->index &&
                   is_second_file(file_, *packet_, demuxer_->iformat->name, last_dts_));
  if (read == AVERROR_EOF || (doubtful && another_file_begins(whole))) {
    av_packet_unref(packet_.get());
    end_of_file();
    return false;
  }
  if (read < 0) {
    stop("the file breaks off: " + av_reason(read));
    return false;
  }
  if (packets_->begins_recording() && started_) {
    joining_ = true;
    avcodec_send_packet(decoder_.get(), nullptr);
    return true;
  }
  return deliver();
}

bool VideoInput::deliver() {
  const int sent = send();
  av_packet_unref(packet_.get());
  if (sent == AVERROR_EOF && another_file_begins(packets_->read_to())) {
    end_of_file();
  } else if (sent < 0 && (started_ || threads_ > 1 || is_image())) {
    stop(sent == AVERROR_EOF ? "the file breaks off" : "damaged: " + av_reason(sent));
  } else if (sent < 0) {
    ++unusable_;
  }
  if (fruitless_ > kFruitlessPackets) stop("too many packets without a picture");
  return !draining_;
}

// With the packet that waits. The decoder must not take pictures of one for those of another.
void VideoInput::begin_recording() {
  avcodec_flush_buffers(decoder_.get());
  joining_ = started_ = false;
  times_ = {};
  last_dts_ = last_ticks_ = AV_NOPTS_VALUE;
  intervals_.fill(0);
  deliver();
}

bool VideoInput::another_file_begins(std::int64_t from) {
  if (std::exchange(searched_, true)) return false;  // to the end of the file
  const std::optional<std::int64_t> other = second_file(file_, demuxer_->iformat->name, from);
  if (other) leave_out(*other);
  return other.has_value();
}

void VideoInput::leave_out(std::int64_t other_file) {
  unread_ = fmt::format("joined files, only the first is read: the second begins at byte {} of {}",
                        other_file, file_.size());
}

bool VideoInput::decode(AVFrame& picture) {
  for (;;) {
    if (over_ || (threads_ > 1 && troubled())) return false;
    const int got = with_memory(avcodec_receive_frame(decoder_.get(), &picture));
    if (got == AVERROR_EOF) {
      if (!joining_ || troubled()) return false;
      begin_recording();
      continue;
    }
    if (got == AVERROR(EAGAIN)) {
      feed();
      continue;
    }
    const bool concealed = got == 0 && (picture.decode_error_flags != 0 ||
                                        (picture.flags & AV_FRAME_FLAG_CORRUPT) != 0 ||
                                        (!tells_damage_ && libav_complained()));
    if (got == 0 && threads_ > 1 && troubled()) {
      av_frame_unref(&picture);
      return false;
    }
    if (got == 0) ticks_ = times_.of(picture);
    if (got == 0 && !concealed) {
      if (!follows()) {
        av_frame_unref(&picture);
        return false;
      }
      remember();
      ++given_;
      return true;
    }
    av_frame_unref(&picture);
    // Before the first good picture a stream that was cut out of a longer one may stumble.
    if (started_ || draining_ || threads_ > 1 || is_image()) {
      stop("damaged: " + (got < 0 ? av_reason(got) : "a broken picture"));
      over_ = concealed;  // those behind it may be made from it
    } else {
      ++unusable_;
    }
    if (++fruitless_ > kFruitlessPackets) return false;
  }
}

bool VideoInput::next(AVFrame& picture) {
  if (decode(picture)) return true;
  if (threads_ == 1 || !troubled()) return false;
  // Threads are ahead of what they give out. One alone stops where the damage is: up to there the
  // pictures are the same.
  const std::int64_t done = given_;
  threads_ = 1;
  given_ = fruitless_ = 0;
  damage_.clear();
  started_ = draining_ = joining_ = over_ = short_ = false;
  av_packet_unref(packet_.get());
  times_ = {};
  searched_ = false;
  unusable_ = 0;
  last_end_ = 0;
  last_dts_ = last_ticks_ = AV_NOPTS_VALUE;
  intervals_.fill(0);
  open(1);
  while (given_ < done) {
    if (!decode(picture)) return false;
    av_frame_unref(&picture);
  }
  return decode(picture);
}

void VideoInput::explain(VideoNotes& notes) const {
  packets_->explain(notes);
  times_.explain(notes);
  if (!unread_.empty()) notes.add(unread_);
  if (unusable_ > 0) {
    notes.add(fmt::format("packets before a first whole picture, not used: {}", unusable_));
  }
}

bool VideoInput::is_image() const {
  const std::string_view format = demuxer_->iformat->name;
  return facts_.one_picture || format.ends_with("_pipe");
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
