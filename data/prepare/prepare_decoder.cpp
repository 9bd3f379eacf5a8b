#include "data/prepare/prepare_decoder.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "data/media/scene_cut.h"

namespace muybridge {
namespace {

class UnitDecoder {
 public:
  UnitDecoder(const PrepareContext& context, DecodeWorker& worker)
      : context_(context), worker_(worker) {}

  PreparedUnit run(PrepareTask task) {
    PreparedUnit unit;
    unit.source = task.source;
    unit.unit = task.unit;
    try {
      if (!task.opened) task.opened = context_.opener.open(task.source);
    } catch (const Error& error) {
      if (error.code() != ExitCode::kCorrupt) throw;
      unit.problem = error.what();
      return unit;
    }
    unit.opened = task.opened;
    unit.identity = unit_identity(task.opened->hash, context_.sources[task.source],
                                  context_.settings_text, task.unit);
    const PresentUnits::State state = context_.present.find(unit.identity);
    unit.present = state != PresentUnits::State::kAbsent;
    unit.ended = state == PresentUnits::State::kPresentAndLast;
    if (!unit.present && locate(task, unit)) decode(task, unit);
    return unit;
  }

 private:
  bool one_clip() const { return context_.settings.split == Cutting::kNone; }
  bool by_scenes() const { return context_.settings.split == Cutting::kScenes; }

  ReadOptions options_of(const PrepareTask& task) const {
    const ClipSource& source = context_.sources[task.source];
    ReadOptions options;
    options.size = context_.settings.size;
    options.size.crop = source.crop;
    options.fps = context_.settings.fps;
    options.cut_first = source.cut_first;
    options.cut_end = source.cut_end;
    options.first = task.unit * task.opened->unit_frames;
    options.unit_of = one_clip() ? 0 : context_.settings.lengths.longest;
    options.count = one_clip() ? context_.settings.lengths.longest : -1;
    return options;
  }

  // Where in the video the unit begins. After a resume nobody has seen the frames before it.
  bool locate(const PrepareTask& task, PreparedUnit& unit) {
    if (task.unit > 0 && task.opened->unit_frames == 0) {
      const DecodeOutcome outcome = worker_.probe(task.opened->file, options_of(task));
      unit.problem = outcome.problem;
      if (!outcome.opened) return false;
      learn(task, outcome.stream);
    }
    unit.first_frame = task.unit * task.opened->unit_frames;
    return true;
  }

  void learn(const PrepareTask& task, const DecodedStream& stream) const {
    task.opened->unit_frames =
        frames_of_unit(context_.settings.lengths.longest, stream.frame_bytes());
    if (one_clip()) return;
    const std::int64_t frames = std::min(stream.expected_frames, kMostFrames);
    const std::int64_t unit = task.opened->unit_frames;
    context_.queue.expect_units(task, (frames + unit - 1) / unit);
  }

  void begin(const PrepareTask& task, const DecodedStream& stream, Frames& frames) const {
    if (task.opened->unit_frames == 0) learn(task, stream);
    frames.width = stream.width;
    frames.height = stream.height;
    const ReadOptions options = options_of(task);
    const std::int64_t most = one_clip() ? options.count : task.opened->unit_frames.load();
    const std::int64_t claimed = std::min(stream.expected_frames, kMostFrames) - options.first + 1;
    frames.rgb.reserve(frames.frame_bytes() *
                       static_cast<std::size_t>(std::clamp<std::int64_t>(claimed, 1, most)));
  }

  void decode(const PrepareTask& task, PreparedUnit& unit) {
    std::vector<FrameSketch> sketches;
    Frames& frames = unit.frames;
    const auto on_frame = [&](const DecodedStream& stream, const DecodedFrame& frame) {
      const std::uint8_t* const rgb = frame.rgb;
      if (frames.count == 0) begin(task, stream, frames);
      frames.rgb.insert(frames.rgb.end(), rgb, rgb + frames.frame_bytes());
      ++frames.count;
      if (by_scenes()) sketches.push_back(sketch_frame(rgb, frames.height, frames.width));
    };
    const DecodeOutcome outcome = worker_.decode(task.opened->file, options_of(task), on_frame);
    unit.stream = outcome.stream;
    unit.problem = outcome.problem;
    unit.ended = one_clip() || outcome.finished;
    if (outcome.lost) frames = Frames{};
    if (frames.count == 0) return;
    if (outcome.stream.source.image) {
      unit.clips = {{0, 1}};
      return;
    }
    ClipLengths lengths = context_.settings.lengths;
    lengths.first_only = one_clip();
    const std::vector<int> cuts = by_scenes() ? find_cuts(sketches) : std::vector<int>{};
    unit.clips = split_clips(frames.count, cuts, lengths);
  }

  static constexpr std::int64_t kMostFrames = std::int64_t{1} << 32;  // that a file may claim

  const PrepareContext& context_;
  DecodeWorker& worker_;
};

void hash_source(OpenedSource& opened) {
  struct stat status {};
  if (::fstat(opened.file.get(), &status) != 0) fail_errno("fstat", errno);
  if (!S_ISREG(status.st_mode)) fail(ExitCode::kCorrupt, "not a regular file");
  if (status.st_size == 0) fail(ExitCode::kCorrupt, "the file is empty");
  opened.hash = hash_file(fmt::format("/proc/self/fd/{}", opened.file.get()));
}

}  // namespace

SourceOpener::SourceOpener(const std::vector<ClipSource>& sources,
                           const std::filesystem::path& scratch)
    : sources_(sources), extractor_(scratch) {}

std::shared_ptr<OpenedSource> SourceOpener::open(std::size_t index) {
  const ClipSource& source = sources_[index];
  auto opened = std::make_shared<OpenedSource>();
  {
    std::unique_lock lock(mutex_);
    turn_changed_.wait(lock, [&] { return turn_ == index; });
    ++turn_;
    turn_changed_.notify_all();  // those who wake wait for the lock
    if (source.member >= 0) opened->file = extractor_.extract(source.file, source.member);
  }
  try {
    if (source.member < 0) opened->file = open_to_read(source.file);
    hash_source(*opened);
  } catch (const Error& error) {
    fail(ExitCode::kCorrupt, "{}", error.what());  // costs the source, not the run
  }
  return opened;
}

void run_prepare_decoder(const PrepareContext& context) {
  DecodeWorker worker(context.limits, &context.stop);
  UnitDecoder decoder(context, worker);
  while (std::optional<PrepareTask> task = context.queue.next_task()) {
    PreparedUnit unit = decoder.run(std::move(*task));
    if (context.stop.load()) return;
    context.queue.finish(std::move(unit));
  }
}

}  // namespace muybridge
