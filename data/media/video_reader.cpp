#include "data/media/video_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "data/media/video_input.h"
#include "data/media/video_picture.h"

extern "C" {
#include <libavutil/display.h>
}

namespace muybridge {
namespace {

// A frame of the result shows the latest picture that begins at most this share of a picture's
// duration after it: containers round times, and no common pair of rates has a boundary here.
constexpr double kLate = 0.18;

// A longer pause between two pictures is a damaged clock, not a video.
constexpr double kLongestPause = 10;  // seconds

double pixel_aspect(const AVStream& stream, const AVFrame& frame) {
  for (const AVRational ratio : {stream.sample_aspect_ratio, frame.sample_aspect_ratio}) {
    if (ratio.num <= 0 || ratio.den <= 0) continue;
    const double value = av_q2d(ratio);
    if (value > 0.1 && value < 10) return value;
  }
  return 1;
}

}  // namespace

const std::size_t VideoReader::kSlack = kPictureSlack;

struct VideoReader::State {
  struct Timed {
    AvFrame frame{av_frame_alloc()};
    double time = 0;
    bool full = false;
  };

  State(FileHandle file, const ReadOptions& read_options)
      : options(read_options), input(std::move(file), read_options.max_pixels) {
    orientation = input.orientation();
    info.codec = avcodec_get_name(input.stream().codecpar->codec_id);
    info.image = input.is_image();
    info.fps = info.image ? 0 : input.rate();
    info.seconds = info.image ? 0 : input.seconds();
    source_rate = info.fps > 0 ? info.fps : 25;
    fps = options.fps > 0 && !info.image ? options.fps : info.fps > 0 ? info.fps : 1;
    begin = static_cast<double>(options.cut_first) / source_rate;
    end = options.cut_end >= 0 ? static_cast<double>(options.cut_end) / source_rate : INFINITY;
    open_at(begin);
    measure();
  }

  // Stands at the last picture that begins at or before `seconds`, or at the very first one.
  void open_at(double seconds) {
    const bool later = seconds > 0;
    const bool skipped = later && input.seek(seconds);
    decode();
    if (skipped && (!ahead.full || ahead.time > seconds)) {
      input.seek(0);
      decode();
    }
    if (!ahead.full) {
      const std::string& why = input.damage();
      if (later && why.empty()) return;
      fail(ExitCode::kCorrupt, "no picture can be decoded{}{}", why.empty() ? "" : ": ", why);
    }
    if (options.fps > 0 || later) {
      while (ahead.full && ahead.time + kLate / source_rate < seconds) step();
    }
  }

  // Decodes the next picture into `ahead`.
  void decode() {
    const AVFrame* frame = input.next();
    const double previous = ahead.time;
    ahead.full = frame != nullptr;
    if (frame == nullptr) return;
    av_frame_unref(ahead.frame.get());
    if (av_frame_ref(ahead.frame.get(), frame) < 0) fail(ExitCode::kCorrupt, "out of memory");
    const double time = input.time_of(*frame);
    const bool first = !current.full;
    ahead.time = std::isnan(time) ? (first ? 0 : previous + 1 / source_rate) : time;
    if (!first) ahead.time = std::max(ahead.time, previous);
    if (!first && ahead.time - previous > kLongestPause) {
      damage = fmt::format("its clock jumps by {:.0f} s", ahead.time - previous);
      ahead.full = false;
    }
  }

  void step() {
    std::swap(current, ahead);
    ahead.time = current.time;
    decode();
  }

  std::size_t frame_bytes() const {
    return std::size_t{3} * static_cast<std::size_t>(plan.width) *
           static_cast<std::size_t>(plan.height);
  }

  // The size of the result follows from the first picture.
  void measure() {
    const AVFrame& frame = *(ahead.full ? ahead : current).frame;
    const AVFrameSideData* matrix = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
    if (orientation == Orientation{} && matrix != nullptr) {
      orientation = orientation_of(reinterpret_cast<const std::int32_t*>(matrix->data));
    }
    const int width = frame.width > 0 ? frame.width : input.stream().codecpar->width;
    const int height = frame.height > 0 ? frame.height : input.stream().codecpar->height;
    if (width <= 0 || height <= 0) fail(ExitCode::kCorrupt, "its pictures have no size");
    aspect = pixel_aspect(input.stream(), frame);
    plan_width = width;
    plan_height = height;
    plan = plan_picture(width, height, aspect, orientation, options.size);
    info.width = static_cast<int>(std::lround(width * aspect));
    info.height = height;
    if (orientation.quarter_turns % 2 != 0) std::swap(info.width, info.height);
  }

  void write(const AVFrame& frame, std::uint8_t* rgb) {
    if (frame.width != plan_width || frame.height != plan_height) {
      SizeOptions same = options.size;  // a stream may change its size; the clip does not
      same.resize = Resize::kCover;
      same.width = plan.width;
      same.height = plan.height;
      plan = plan_picture(frame.width, frame.height, aspect, orientation, same);
      plan_width = frame.width;
      plan_height = frame.height;
    }
    converter.convert(frame, plan, orientation, rgb);
  }

  bool next(std::uint8_t* rgb) {
    if (options.count >= 0 && produced >= options.count) return false;
    if (finished()) return false;
    if (keeps_pictures()) {
      // Frames are counted by the clock, so that parts of a file neither overlap nor leave gaps.
      const double window =
          options.count < 0 ? INFINITY : begin + static_cast<double>(options.count) / fps;
      if (ahead.time + kLate / source_rate >= window) return false;
      step();
    }
    write(*(current.full ? current : ahead).frame, rgb);
    shown = keeps_pictures() ? current.time : due();
    ++produced;
    return true;
  }

  bool keeps_pictures() const { return options.fps <= 0 || info.image; }

  // When the next frame of the result is to be seen.
  double due() const { return begin + static_cast<double>(produced) / fps; }

  // Takes `current` to the picture that is due, to see whether there is one.
  bool finished() {
    if (keeps_pictures()) return !ahead.full || ahead.time + kLate / source_rate >= end;
    if (due() + kLate / source_rate >= end) return true;
    while (ahead.full && ahead.time <= due() + kLate / source_rate) step();
    if (ahead.full) return false;
    return !current.full || due() >= current.time + (1 - kLate) / source_rate;
  }

  ReadOptions options;
  VideoInput input;
  PictureConverter converter;
  VideoInfo info;
  Orientation orientation;
  PicturePlan plan;
  int plan_width = 0;
  int plan_height = 0;
  double aspect = 1;
  double source_rate = 25;
  double fps = 1;
  double begin = 0;
  double end = INFINITY;
  std::int64_t produced = 0;
  double shown = 0;  // time of the last frame given
  Timed current;
  Timed ahead;
  std::string damage;
};

VideoReader::VideoReader(const std::filesystem::path& path, const ReadOptions& options)
    : VideoReader(open_to_read(path), options) {}
VideoReader::VideoReader(FileHandle file, const ReadOptions& options)
    : state_(std::make_unique<State>(std::move(file), options)) {}
VideoReader::~VideoReader() = default;

const VideoInfo& VideoReader::info() const { return state_->info; }
double VideoReader::fps() const { return state_->fps; }
int VideoReader::width() const { return state_->plan.width; }
int VideoReader::height() const { return state_->plan.height; }

std::size_t VideoReader::frame_bytes() const { return state_->frame_bytes(); }

std::int64_t VideoReader::expected_frames() const {
  if (state_->info.image) return 1;
  const double end = std::min(state_->info.seconds, state_->end);
  return std::max<std::int64_t>(0, std::llround((end - state_->begin) * state_->fps));
}

bool VideoReader::next(std::uint8_t* rgb) { return state_->next(rgb); }

double VideoReader::time() const { return state_->shown; }

bool VideoReader::finished() const { return state_->finished(); }

const std::string& VideoReader::damage() const {
  return state_->damage.empty() ? state_->input.damage() : state_->damage;
}

Frames read_video(const std::filesystem::path& path, const ReadOptions& options) {
  VideoReader reader(path, options);
  Frames result;
  result.width = reader.width();
  result.height = reader.height();
  const std::size_t bytes = reader.frame_bytes();
  for (;;) {
    const std::size_t used = bytes * static_cast<std::size_t>(result.count);
    if (result.rgb.size() < used + bytes + VideoReader::kSlack) {
      result.rgb.resize(std::max(2 * used, used + bytes) + VideoReader::kSlack);
    }
    if (!reader.next(result.rgb.data() + used)) break;
    ++result.count;
  }
  result.rgb.resize(bytes * static_cast<std::size_t>(result.count));
  if (result.count == 0) {
    fail(ExitCode::kCorrupt, "{}: no frame in it{}{}", path.string(),
         reader.damage().empty() ? "" : ": ", reader.damage());
  }
  return result;
}

}  // namespace muybridge
