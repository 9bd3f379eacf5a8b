#include "data/media/video_packets.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace muybridge {
namespace {

bool is_torn(const AVPacket& packet) { return (packet.flags & AV_PKT_FLAG_CORRUPT) != 0; }

// Headers come again where Ogg files were joined; decoders take them for damage.
bool is_known_header(const AVPacket& packet, const AVCodecParameters& codec) {
  using namespace std::string_view_literals;
  if (packet.size <= 0) return false;
  const std::string_view bytes(reinterpret_cast<const char*>(packet.data),
                               static_cast<std::size_t>(packet.size));
  if (codec.codec_id == AV_CODEC_ID_VP8) return bytes.starts_with("OVP80"sv);
  if (codec.codec_id != AV_CODEC_ID_THEORA) return false;
  const std::string_view known(reinterpret_cast<const char*>(codec.extradata),
                               static_cast<std::size_t>(codec.extradata_size));
  return bytes.starts_with("\x81theora"sv) ||  // comments
         ((bytes[0] & 0x80) != 0 && known.find(bytes) != std::string_view::npos);
}

}  // namespace

VideoPackets::VideoPackets(AVFormatContext& demuxer, const AVStream& stream)
    : demuxer_(demuxer), stream_(stream), joins_(demuxer, stream) {}

bool VideoPackets::of_stream(const Read& read) const {
  return read.result >= 0 && read.packet->stream_index == stream_.index;
}

VideoPackets::Read VideoPackets::read() {
  Read next;
  do {
    av_packet_unref(next.packet.get());
    next.result = av_read_frame(&demuxer_, next.packet.get());
  } while (of_stream(next) && is_known_header(*next.packet, *stream_.codecpar));
  next.begins = of_stream(next) && joins_.begins_with(*next.packet);
  return next;
}

int VideoPackets::next(AVPacket& packet) {
  Read now;
  if (ahead_.empty()) {
    now = read();
  } else {
    now = std::move(ahead_.front());
    ahead_.pop_front();
  }
  if (of_stream(now)) {
    if (joins_.possible() && is_torn(*now.packet)) look_ahead(*now.packet);
    if (now.packet->pos >= 0 && !is_torn(*now.packet)) {
      read_to_ = std::max(read_to_, now.packet->pos + now.packet->size);
    }
  }
  begins_ = now.begins;
  av_packet_move_ref(&packet, now.packet.get());
  return now.result;
}

// A packet that another recording follows is whole: its counter just does not go on there.
void VideoPackets::look_ahead(AVPacket& torn) {
  const auto begins = [](const Read& read) { return read.begins; };
  while (ahead_.size() < TransportJoins::kReach && std::ranges::none_of(ahead_, begins)) {
    ahead_.push_back(read());
    if (ahead_.back().result < 0) return;
  }
  if (std::ranges::any_of(ahead_, begins)) torn.flags &= ~AV_PKT_FLAG_CORRUPT;
}

void VideoPackets::explain(VideoNotes& notes) const {
  if (joins_.found() > 0) {
    notes.add(fmt::format("joined recordings, read one after the other: {}", joins_.found() + 1));
  }
  int others = 0;
  for (unsigned i = 0; i < demuxer_.nb_streams; ++i) {
    const AVStream& other = *demuxer_.streams[i];
    const bool video = other.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    const bool cover = (other.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
    if (video && !cover && other.index != stream_.index) ++others;
  }
  if (others > 0) notes.add(fmt::format("other video streams in it, not read: {}", others));
}

}  // namespace muybridge
