#include "data/media/clip_splitter.h"

#include <algorithm>

namespace muybridge {

std::vector<ClipSpan> split_clips(int frames, const std::vector<int>& cuts,
                                  const ClipLengths& lengths) {
  std::vector<int> ends = cuts;
  ends.push_back(frames);
  const int stride = lengths.stride > 0 ? lengths.stride : lengths.longest;
  std::vector<ClipSpan> clips;
  int scene = 0;
  for (const int end : ends) {
    int covered = scene;  // a clip that adds nothing to those before is left out
    for (int first = scene; first < end && covered < end; first += stride) {
      const int available = std::min(lengths.longest, end - first);
      if (available < lengths.shortest) break;
      const int count =
          lengths.shortest + (available - lengths.shortest) / lengths.step * lengths.step;
      clips.push_back({first, count});
      covered = first + available;
      if (lengths.first_only) return clips;
    }
    scene = end;
  }
  return clips;
}

std::int64_t frames_of_unit(std::int64_t longest_clip, std::size_t frame_bytes) {
  constexpr std::size_t kUnitBytes = std::size_t{128} << 20;
  constexpr std::int64_t kMostFrames = 1024;
  const auto fitting =
      static_cast<std::int64_t>(kUnitBytes / std::max<std::size_t>(frame_bytes, 1));
  const std::int64_t wanted = std::max(std::min(fitting, kMostFrames), 2 * longest_clip);
  return (wanted + longest_clip - 1) / longest_clip * longest_clip;
}

}  // namespace muybridge
