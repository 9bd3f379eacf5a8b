#include "data/media/video_input.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "data/media/joined_files.h"

namespace muybridge {
namespace {

constexpr std::int64_t kFruitlessPackets = 1 << 16;

// A picture that comes so many of the latest intervals after the one before does not follow it.
constexpr double kGap = 1.6;

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
  container_.reset();
  container_.emplace(file_, torn_);
  open_decoder(threads);
  file_.check();
}

void VideoInput::open_decoder(int threads) {
  const AVCodec* codec = decoder_for(stream());
  if (codec == nullptr) {
    fail(ExitCode::kCorrupt, "no decoder for its codec \"{}\"",
         avcodec_get_name(stream().codecpar->codec_id));
  }
  decoder_.reset(avcodec_alloc_context3(codec));
  if (!decoder_) throw std::bad_alloc();
  const int copied = avcodec_parameters_to_context(decoder_.get(), stream().codecpar);
  if (copied < 0) container_->refuse("its stream parameters are wrong", copied);
  // This libav aborts where damage meets threads that decode MPEG-4.
  decoder_->thread_count = codec->id == AV_CODEC_ID_MPEG4 ? 1 : threads;
  decoder_->pkt_timebase = stream().time_base;
  decoder_->max_pixels = max_pixels_;
  // Damage is an error, not something to paint over. TIFF would take unknown tags for damage; its
  // lost pixels are known by what libav complains of.
  tells_damage_ = codec->id != AV_CODEC_ID_TIFF;
  if (tells_damage_) decoder_->err_recognition |= AV_EF_EXPLODE;
  const int opened = avcodec_open2(decoder_.get(), codec, nullptr);
  if (opened < 0) container_->refuse("its decoder cannot be opened", opened);
  complaints_ = decoder_complaints();
}

// Pictures that several threads decode do not tell that they are damaged, their log does.
bool VideoInput::troubled() const {
  return short_ || !damage_.empty() || (threads_ > 1 && decoder_complaints() != complaints_);
}

void VideoInput::stop(const std::string& reason) {
  if (damage_.empty()) damage_ = explained(reason);
  if (!draining_) avcodec_send_packet(decoder_.get(), nullptr);
  draining_ = true;
}

// A file may break off between two packets without a word: its own index knows better.
void VideoInput::end_of_file() {
  const bool all = unread_.empty() && !another_file_begins(container_->packets().read_to());
  const double promised = all ? container_->promised_seconds() : 0;
  const double missing = promised - last_end_;
  const bool breaks_off = promised > 0 && missing > std::max(0.5, 0.05 * promised);
  short_ = container_->cut_off() || breaks_off;
  if (breaks_off) {
    stop(fmt::format("it breaks off after {:.1f} of {:.1f} s", last_end_, promised));
  } else if (container_->cut_off()) {
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
  last_end_ = std::max(last_end_, container_->end_of(packet));
  if (packet.stream_index != stream().index) return 0;
  ++fruitless_;
  if ((packet.flags & AV_PKT_FLAG_CORRUPT) != 0) return AVERROR_EOF;
  times_.sent(packet);
  const int sent = with_memory(avcodec_send_packet(decoder_.get(), packet_.get()));
  if (packet.dts != AV_NOPTS_VALUE) last_dts_ = packet.dts;
  return sent == AVERROR(EAGAIN) ? 0 : sent;
}

// One packet into the decoder. False if the decoder is to be asked for what it still has.
bool VideoInput::feed() {
  const std::int64_t whole = container_->packets().read_to();
  const int read = with_memory(container_->packets().next(*packet_));
  file_.check();
  const bool doubtful =
      read < 0 || (packet_->stream_index == stream().index &&
                   is_second_file(file_, *packet_, container_->format(), last_dts_));
  if (read == AVERROR_EOF || (doubtful && another_file_begins(whole))) {
    av_packet_unref(packet_.get());
    end_of_file();
    return false;
  }
  if (read < 0) {
    stop("the file breaks off: " + av_reason(read));
    return false;
  }
  if (container_->packets().begins_recording() && started_) {
    joining_ = true;
    avcodec_send_packet(decoder_.get(), nullptr);
    return true;
  }
  return deliver();
}

bool VideoInput::deliver() {
  const int sent = send();
  av_packet_unref(packet_.get());
  if (sent == AVERROR_EOF && another_file_begins(container_->packets().read_to())) {
    end_of_file();
  } else if (sent < 0 && (started_ || threads_ > 1 || container_->is_image())) {
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
  const std::optional<std::int64_t> other = second_file(file_, container_->format(), from);
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
    if (started_ || draining_ || threads_ > 1 || container_->is_image()) {
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
  container_->packets().explain(notes);
  times_.explain(notes);
  if (!unread_.empty()) notes.add(unread_);
  if (unusable_ > 0) {
    notes.add(fmt::format("packets before a first whole picture, not used: {}", unusable_));
  }
}

}  // namespace muybridge
