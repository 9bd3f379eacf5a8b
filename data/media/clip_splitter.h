#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace muybridge {

struct ClipLengths {
  int longest = 81;         // frames
  int shortest = 5;         // frames of a scene that makes a clip
  int rest = 20;            // frames, at least, of a clip behind a whole one of the same scene
  int step = 1;             // lengths are shortest + k * step
  int stride = 0;           // frames from the start of a clip to that of the next; 0: end to end
  bool first_only = false;  // one clip, from the beginning of the video
};

// Frames first .. first + count - 1 of a video.
struct ClipSpan {
  std::int64_t first = 0;
  int count = 0;
  bool operator==(const ClipSpan&) const = default;
};

// Frames that came into no clip, because what they are part of is too short or between two lengths.
struct DroppedFrames {
  std::int64_t frames = 0;
  std::int64_t pieces = 0;
};

// Divides a video into clips while it is being decoded: none crosses a cut, each has an allowed
// length, and one that would show nothing new is left out.
class ClipSplitter {
 public:
  explicit ClipSplitter(const ClipLengths& lengths);

  // The next frame, which begins a new scene if `cut`. Appends the clips that are complete now.
  void add(bool cut, std::vector<ClipSpan>& complete);
  void end(std::vector<ClipSpan>& complete);  // no frame follows

  // Frames before this one are in no clip that is still to come.
  std::int64_t first_needed() const { return done_ ? frames_ : std::min(next_, frames_); }
  const DroppedFrames& dropped() const { return dropped_; }

 private:
  int stride() const { return lengths_.stride > 0 ? lengths_.stride : lengths_.longest; }
  void begin_scene();
  void end_scene(std::vector<ClipSpan>& complete);
  void emit(int count, std::vector<ClipSpan>& complete);

  ClipLengths lengths_;
  std::int64_t frames_ = 0;   // seen
  std::int64_t scene_ = 0;    // where the scene begins
  std::int64_t next_ = 0;     // where the next clip begins
  std::int64_t covered_ = 0;  // end of the last clip of this scene
  bool done_ = false;         // first_only, and the one clip is complete
  DroppedFrames dropped_;
};

}  // namespace muybridge
