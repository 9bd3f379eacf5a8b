#include "data/media/video_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "data/media/picture/video_picture.h"
#include "data/media/picture_stream.h"

extern "C" {
#include <libavutil/display.h>
}

namespace muybridge {
namespace {

// A frame of the result shows the latest picture that begins at most this share of the interval
// between two pictures after it, and at most kLatest: containers round times, and no common pair
// of rates has a boundary here.
constexpr double kLate = 0.18;
constexpr double kLatest = 0.0095;  // seconds

double lateness(double interval) { return std::min(kLate * interval, kLatest); }

double pixel_aspect(const AVStream& stream, const AVFrame& frame) {
  for (const AVRational ratio : {stream.sample_aspect_ratio, frame.sample_aspect_ratio}) {
    if (ratio.num <= 0 || ratio.den <= 0) continue;
    const double value = av_q2d(ratio);
    if (value > 0.1 && value < 10) return value;
  }
  return 1;
}

}  // namespace

struct VideoReader::State {
  State(FileHandle file, const ReadOptions& read_options, std::function<void()> picture_seen)
      : options(read_options),
        on_picture(std::move(picture_seen)),
        pictures(std::move(file), read_options.max_pixels, read_options.threads, notes),
        converter({.still = pictures.input().container().is_image(),
                   .premultiplied = pictures.input().container().premultiplied()}) {
    const VideoContainer& input = pictures.input().container();
    orientation = input.orientation();
    info.codec = avcodec_get_name(input.stream().codecpar->codec_id);
    info.image = input.is_image();
    info.fps = info.image ? 0 : input.rate();
    info.seconds = info.image ? 0 : input.seconds();
    fps = options.fps > 0 && !info.image ? options.fps : info.fps > 0 ? info.fps : 1;
    find_beginning();
    measure();
  }

  // Takes `ahead` to the first picture that is used.
  void find_beginning() {
    do fetch();
    while (has_ahead && picture <= options.cut_first);
    if (has_ahead) {
      begin = ahead.time.begin;
      return;
    }
    const std::string& why = pictures.input().damage();
    if (picture > 0) {
      fail(ExitCode::kCorrupt,
           "its {} pictures end before its cut, which begins with number {}{}{}", picture,
           options.cut_first, why.empty() ? "" : ": ", why);
    }
    fail(ExitCode::kCorrupt, "no picture can be decoded{}{}", why.empty() ? "" : ": ", why);
  }

  // The next picture of the file into `ahead`. Behind the last one that is used, `end` is known.
  void fetch() {
    has_ahead = false;
    if (end < INFINITY) return;
    const double last_end = ahead.time.begin + ahead.time.duration;
    if (!pictures.next(ahead)) {
      end = last_end;
      if (options.cut_end > picture) {
        notes.add(fmt::format("its cut ends behind its last picture: number {} of {}",
                              options.cut_end - 1, picture));
      }
      return;
    }
    if (on_picture) on_picture();
    if (options.cut_end >= 0 && picture >= options.cut_end) {
      end = ahead.time.begin;
      return;
    }
    ++picture;
    has_ahead = true;
  }

  void step() {
    const PictureTime before = ahead.time;
    std::swap(current, ahead);
    has_current = true;
    ahead.time = before;
    fetch();
  }

  std::size_t frame_bytes() const {
    return std::size_t{3} * static_cast<std::size_t>(plan.width) *
           static_cast<std::size_t>(plan.height);
  }

  // The size of the result follows from the first picture.
  void measure() {
    const AVFrame& frame = *ahead.frame;
    const AVStream& stream = pictures.input().stream();
    const AVFrameSideData* matrix = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
    if (orientation == Orientation{} && matrix != nullptr) {
      orientation = orientation_of(reinterpret_cast<const std::int32_t*>(matrix->data));
    }
    const int width = frame.width > 0 ? frame.width : stream.codecpar->width;
    const int height = frame.height > 0 ? frame.height : stream.codecpar->height;
    if (width <= 0 || height <= 0) fail(ExitCode::kCorrupt, "its pictures have no size");
    aspect = pixel_aspect(stream, frame);
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

  bool keeps_pictures() const { return options.fps <= 0 || info.image; }

  // Takes `current` to the picture that the next frame of the result shows.
  bool advance() {
    if (finished()) return false;
    if (keeps_pictures()) step();
    shown = keeps_pictures() ? current.time.begin : due();
    ++produced;
    return true;
  }

  bool next(std::uint8_t* rgb) {
    if (options.count >= 0 && produced >= options.count) return false;
    if (!advance()) return false;
    write(*current.frame, rgb);
    return true;
  }

  // When the next frame of the result is to be seen.
  double due() const { return begin + static_cast<double>(produced) / fps; }

  // With a rate, `current` is taken to the picture that is due, to see whether there is one.
  bool finished() {
    if (keeps_pictures()) return !has_ahead;
    while (has_ahead && ahead.time.begin <= due() + lateness(interval())) step();
    return !has_ahead && produced > 0 && due() >= end - lateness(end - current.time.begin);
  }

  double interval() const { return has_current ? ahead.time.begin - current.time.begin : 0; }

  ReadOptions options;
  std::function<void()> on_picture;
  VideoNotes notes;
  PictureStream pictures;
  PictureConverter converter;
  VideoInfo info;
  Orientation orientation;
  PicturePlan plan;
  int plan_width = 0;
  int plan_height = 0;
  double aspect = 1;
  double fps = 1;
  double begin = 0;           // of the first picture that is used
  double end = INFINITY;      // of the last one, once it is known
  std::int64_t picture = 0;   // pictures of the file that were taken into `ahead`
  std::int64_t produced = 0;  // frames of the result
  double shown = 0;           // time of the last frame given
  TimedPicture current;       // shown now
  TimedPicture ahead;         // the one behind it
  bool has_current = false;
  bool has_ahead = false;
};

VideoReader::VideoReader(const std::filesystem::path& path, const ReadOptions& options)
    : VideoReader(open_to_read(path), options) {}
VideoReader::VideoReader(FileHandle file, const ReadOptions& options,
                         std::function<void()> on_picture)
    : state_(std::make_unique<State>(std::move(file), options, std::move(on_picture))) {}
VideoReader::~VideoReader() = default;

const VideoInfo& VideoReader::info() const { return state_->info; }
double VideoReader::fps() const { return state_->fps; }
int VideoReader::width() const { return state_->plan.width; }
int VideoReader::height() const { return state_->plan.height; }

std::size_t VideoReader::frame_bytes() const { return state_->frame_bytes(); }

std::int64_t VideoReader::expected_frames() const {
  const VideoInfo& info = state_->info;
  if (info.image) return 1;
  const ReadOptions& options = state_->options;
  double pictures = info.seconds * info.fps;
  if (options.cut_end >= 0) pictures = std::min(pictures, static_cast<double>(options.cut_end));
  pictures = std::max(pictures - static_cast<double>(options.cut_first), 0.0);
  return info.fps > 0 ? std::llround(pictures / info.fps * state_->fps) : 0;
}

bool VideoReader::next(std::uint8_t* rgb) { return state_->next(rgb); }

double VideoReader::time() const { return state_->shown; }

bool VideoReader::finished() const { return state_->finished(); }

const std::string& VideoReader::damage() const { return state_->pictures.input().damage(); }

std::vector<std::string> VideoReader::notes() const {
  VideoNotes notes = state_->notes;
  state_->pictures.input().explain(notes);
  if (!state_->info.image) state_->pictures.clock().explain(notes);
  for (const std::string& note : state_->converter.notes()) notes.add(note);
  return notes.all();
}

Frames read_video(const std::filesystem::path& path, const ReadOptions& options) {
  VideoReader reader(path, options);
  Frames result;
  result.width = reader.width();
  result.height = reader.height();
  const std::size_t bytes = reader.frame_bytes();
  for (;;) {
    const std::size_t used = bytes * static_cast<std::size_t>(result.count);
    if (result.rgb.size() < used + bytes) {
      result.rgb.resize(std::max(2 * used, used + bytes));
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
