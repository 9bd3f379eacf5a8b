#pragma once

#include <deque>
#include <memory>
#include <string>

#include "data/media/av_handles.h"
#include "data/media/video_clock.h"

struct AVFilterContext;
struct AVFilterGraph;

namespace muybridge {

struct TimedPicture {
  AvFrame frame = make_frame();
  PictureTime time;
};

// Whether the frame is flagged as two fields taken one after the other.
bool is_interlaced(const AVFrame& frame);

// Makes whole pictures of interlaced ones with libavfilter's bwdif: one a frame, at its time.
// Pictures that are not flagged pass as they are. Comes one picture behind.
class Deinterlacer {
 public:
  // Pictures in the order of presentation; then finish().
  void push(TimedPicture picture);
  void finish();

  // The next picture, once it is ready.
  bool pop(TimedPicture& picture);

  // Why pictures passed as they are though they are interlaced; empty if none did.
  const std::string& failure() const { return failure_; }

 private:
  struct GraphCloser {
    void operator()(AVFilterGraph* graph) const noexcept;
  };
  struct Kind {
    int width = 0;
    int height = 0;
    int format = -1;
    bool operator==(const Kind&) const = default;
  };
  void start(const AVFrame& frame);
  void collect();

  std::unique_ptr<AVFilterGraph, GraphCloser> graph_;  // none: pictures pass
  AVFilterContext* source_ = nullptr;
  AVFilterContext* sink_ = nullptr;
  Kind kind_;
  std::deque<PictureTime> waiting_;  // of the pictures within the filter
  std::deque<TimedPicture> ready_;
  std::string failure_;
};

}  // namespace muybridge
