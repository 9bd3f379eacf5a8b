#pragma once

#include <cstdint>
#include <optional>

#include "data/media/video_notes.h"

namespace muybridge {

// When a picture is seen, and how long the file says that it stays; in seconds.
struct PictureTime {
  double begin = 0;     // after the first picture of the file
  double duration = 0;  // more than 0
};

// Turns the times that a file gives its pictures into ones that never run backwards. A pause of up
// to kLongestPause is a pause. A longer one, and a step backwards, is a broken clock (two
// recordings joined, a counter that ran over): the pictures behind it go on as if it had not
// jumped.
class VideoClock {
 public:
  static constexpr double kLongestPause = 600;  // seconds

  // `tick`: seconds of the file's unit of time. `usual`: seconds that a picture stays where the
  // file does not say; more than 0.
  VideoClock(double tick, double usual) : tick_(tick), usual_(usual) {}

  // Of the next picture, in the order of presentation; both in ticks.
  PictureTime place(std::optional<std::int64_t> ticks, std::int64_t duration);

  // What was guessed, and whether the rate varied, of the pictures placed so far.
  void explain(VideoNotes& notes) const;

 private:
  void measure(double interval);

  double tick_;
  double usual_;
  bool started_ = false;
  bool guessed_ = false;  // the last one had no time of its own
  double origin_ = 0;     // seconds of the file's clock
  double slip_ = 0;       // by which the clock is behind what it said before
  PictureTime last_;
  double shortest_ = 0;  // of the intervals between pictures; 0: none yet
  double longest_ = 0;
  std::int64_t placed_ = 0;
  std::int64_t timeless_ = 0;
  std::int64_t jumps_ = 0;
  struct Jump {
    double at = 0;
    double step = 0;
  } first_jump_;
};

}  // namespace muybridge
