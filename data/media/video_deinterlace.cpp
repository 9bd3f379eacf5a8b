#include "data/media/video_deinterlace.h"

#include <fmt/format.h>

#include <utility>

#include "core/error.h"

extern "C" {
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
}

namespace muybridge {

bool is_interlaced(const AVFrame& frame) { return frame.interlaced_frame != 0; }

void Deinterlacer::GraphCloser::operator()(AVFilterGraph* graph) const noexcept {
  avfilter_graph_free(&graph);
}

void Deinterlacer::start(const AVFrame& frame) {
  kind_ = {frame.width, frame.height, frame.format};
  graph_.reset(avfilter_graph_alloc());
  if (!graph_) throw std::bad_alloc();
  graph_->nb_threads = 1;
  const std::string from = fmt::format("video_size={}x{}:pix_fmt={}:time_base=1/1000000",
                                       frame.width, frame.height, frame.format);
  AVFilterContext* filter = nullptr;
  const auto add = [&](AVFilterContext** made, const char* name, const char* options) {
    return avfilter_graph_create_filter(made, avfilter_get_by_name(name), name, options, nullptr,
                                        graph_.get());
  };
  int error = add(&source_, "buffer", from.c_str());
  if (error >= 0) error = add(&filter, "bwdif", "mode=send_frame:parity=auto:deint=interlaced");
  if (error >= 0) error = add(&sink_, "buffersink", nullptr);
  if (error >= 0) error = avfilter_link(source_, 0, filter, 0);
  if (error >= 0) error = avfilter_link(filter, 0, sink_, 0);
  if (error >= 0) error = avfilter_graph_config(graph_.get(), nullptr);
  if (with_memory(error) >= 0) return;
  failure_ = explained(av_reason(error));
  graph_.reset();
}

void Deinterlacer::collect() {
  for (;;) {
    TimedPicture picture;
    const int got = with_memory(av_buffersink_get_frame(sink_, picture.frame.get()));
    if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return;
    if (got < 0 || waiting_.empty()) {
      fail(ExitCode::kCorrupt, "its interlaced pictures cannot be made whole: {}", av_reason(got));
    }
    picture.time = waiting_.front();
    waiting_.pop_front();
    ready_.push_back(std::move(picture));
  }
}

void Deinterlacer::push(TimedPicture picture) {
  AVFrame& frame = *picture.frame;
  if (kind_ != Kind{frame.width, frame.height, frame.format}) {
    finish();
    start(frame);
  }
  if (!graph_) {
    ready_.push_back(std::move(picture));
    return;
  }
  waiting_.push_back(picture.time);
  frame.pts = static_cast<std::int64_t>(picture.time.begin * 1e6);
  const int sent = with_memory(av_buffersrc_add_frame(source_, &frame));
  if (sent < 0) {
    fail(ExitCode::kCorrupt, "its interlaced pictures cannot be made whole: {}", av_reason(sent));
  }
  collect();
}

void Deinterlacer::finish() {
  if (!graph_) return;
  with_memory(av_buffersrc_add_frame(source_, nullptr));
  collect();
  graph_.reset();
  kind_ = {};
}

bool Deinterlacer::pop(TimedPicture& picture) {
  if (ready_.empty()) return false;
  picture = std::move(ready_.front());
  ready_.pop_front();
  return true;
}

}  // namespace muybridge
