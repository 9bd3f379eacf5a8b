#pragma once

#include <cstdint>

#include "data/media/av_handles.h"

namespace muybridge {

// Finds where MPEG transport or program streams were joined, as `cat a.ts b.ts` does: their clock
// jumps there, and libav takes the last packet before it for a torn one. Other containers have no
// joins. Not for use outside data/media.
class TransportJoins {
 public:
  // A packet of which libav says that it is torn lies at most so many before the join: the one
  // before it, or, where a parser divides the stream into pictures, one earlier.
  static constexpr int kReach = 3;

  // Of the packets of `stream`.
  TransportJoins(const AVFormatContext& demuxer, const AVStream& stream);

  // Whether another recording begins with `packet`. Packets in the order of the file.
  bool begins_with(const AVPacket& packet);

  bool possible() const { return possible_; }
  int found() const { return found_; }

 private:
  bool possible_;
  double tick_;  // seconds
  std::int64_t last_ = AV_NOPTS_VALUE;
  int since_torn_ = kReach + 1;  // packets
  int found_ = 0;
};

}  // namespace muybridge
