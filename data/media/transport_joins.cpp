#include "data/media/transport_joins.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "data/media/video_clock.h"

namespace muybridge {
namespace {

// Times that libav guesses in a program stream run back by a picture or two within a recording.
constexpr double kGuessed = 0.3;  // seconds

}  // namespace

TransportJoins::TransportJoins(const AVFormatContext& demuxer, const AVStream& stream)
    : tick_(av_q2d(stream.time_base)) {
  const std::string_view format = demuxer.iformat->name;
  possible_ = format == "mpegts" || format == "mpeg";
}

// A counter of 33 bits that seems to have run over is a step forward of more than a day.
bool TransportJoins::begins_with(const AVPacket& packet) {
  if (!possible_) return false;
  const bool torn = since_torn_ < kReach;
  since_torn_ = (packet.flags & AV_PKT_FLAG_CORRUPT) != 0 ? 0 : std::min(since_torn_ + 1, kReach);
  const std::int64_t now = packet.dts != AV_NOPTS_VALUE ? packet.dts : packet.pts;
  if (now == AV_NOPTS_VALUE) return false;
  const std::int64_t before = std::exchange(last_, now);
  if (before == AV_NOPTS_VALUE) return false;
  const double step = static_cast<double>(now - before) * tick_;
  const bool key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
  const bool jumps = step < -kGuessed || step > VideoClock::kLongestPause || (step < 0 && torn);
  // In the midst of a group of pictures a clock that jumps is no join: what follows needs the
  // pictures before it.
  if (!jumps || !(key || torn)) return false;
  ++found_;
  return true;
}

}  // namespace muybridge
