#include "data/media/presentation_times.h"

#include <iterator>

namespace muybridge {
namespace {

constexpr std::size_t kMostWaiting = 1024;  // no decoder holds back so many pictures

}  // namespace

void PresentationTimes::sent(const AVPacket& packet) {
  if (packet.pts == AV_NOPTS_VALUE || (latest_ != AV_NOPTS_VALUE && packet.pts <= latest_)) {
    rising_ = false;
  }
  if (!rising_ || waiting_.size() >= kMostWaiting) return;
  latest_ = packet.pts;
  waiting_.insert(packet.pts);
}

std::optional<std::int64_t> PresentationTimes::of(const AVFrame& picture) {
  const auto own = waiting_.find(picture.pts);
  // A picture that refers to a later one comes out before that, and its packet is behind that
  // one's: if times rose up to it, they are not those of seeing.
  if (picture.pict_type == AV_PICTURE_TYPE_B && own != waiting_.end() && own != waiting_.begin()) {
    of_decoding_ = true;
  }
  if (of_decoding_ && !waiting_.empty()) {
    const std::int64_t first = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    return first;
  }
  if (own != waiting_.end()) waiting_.erase(waiting_.begin(), std::next(own));
  if (picture.best_effort_timestamp == AV_NOPTS_VALUE) return std::nullopt;
  return picture.best_effort_timestamp;
}

void PresentationTimes::explain(VideoNotes& notes) const {
  if (of_decoding_) {
    notes.add("its times are those of decoding: given to its pictures in their order");
  }
}

}  // namespace muybridge
