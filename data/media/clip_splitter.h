#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace muybridge {

struct ClipLengths {
  int longest = 81;         // frames
  int shortest = 1;         // frames; what is left of a scene and is shorter is dropped
  int step = 1;             // lengths are shortest + k * step
  int stride = 0;           // frames from the start of a clip to that of the next; 0: end to end
  bool first_only = false;  // one clip, from the beginning of the video
};

struct ClipSpan {
  int first = 0;
  int count = 0;
  bool operator==(const ClipSpan&) const = default;
};

// The clips of `frames` frames whose scenes begin at 0 and at `cuts`: none crosses a cut, each has
// an allowed length. Pure.
std::vector<ClipSpan> split_clips(int frames, const std::vector<int>& cuts,
                                  const ClipLengths& lengths);

// Long videos are decoded in units of so many frames, by several decoders at once; no clip crosses
// the end of a unit. Every reader of a video comes to the same number. Pure.
std::int64_t frames_of_unit(std::int64_t longest_clip, std::size_t frame_bytes);

}  // namespace muybridge
