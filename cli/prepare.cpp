#include "data/prepare/prepare.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "config/values.h"
#include "core/error.h"
#include "core/log.h"
#include "core/system/stop_signals.h"
#include "data/decode/decode_child.h"
#include "data/decode/decode_protocol.h"

namespace muybridge {
namespace {

constexpr int kMultiple = 16;  // of width and height

struct Arguments {
  PrepareOptions options;
  std::string size;
  std::string resize;
  std::string cutting = "scenes";
  int longest = 81;
  int shortest = 0;
  int step = 1;
  int stride = 0;
  int multiple = 0;
  std::string shard_of;
  double shard_megabytes = 1024;
  bool json = false;
};

int environment_number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

// "2/8", or what mpirun says of this process.
void set_part(const std::string& text, PrepareOptions& options) {
  options.part = environment_number("OMPI_COMM_WORLD_RANK", 0);
  options.parts = environment_number("OMPI_COMM_WORLD_SIZE", 1);
  if (text.empty()) return;
  std::string reason;
  const std::size_t slash = text.find('/');
  const auto part = parse_whole(text.substr(0, slash), reason);
  const auto parts =
      slash == std::string::npos ? std::nullopt : parse_whole(text.substr(slash + 1), reason);
  if (!part || !parts || *parts < 1 || *parts > 100000 || *part < 0 || *part >= *parts) {
    fail(ExitCode::kUsage, "--shard-of {}: must be I/N with I from 0 to N - 1, as 0/4", text);
  }
  options.part = static_cast<int>(*part);
  options.parts = static_cast<int>(*parts);
}

void set_size(const Arguments& arguments, SizeOptions& size) {
  const std::string resize = !arguments.resize.empty() ? arguments.resize
                             : arguments.size.empty()  ? "native"
                                                       : "cover";
  size.resize = *resize_named(resize);
  size.multiple = arguments.multiple > 0 ? arguments.multiple : kMultiple;
  if (arguments.size.empty()) {
    if (size.resize == Resize::kNative) return;
    fail(ExitCode::kUsage, "--resize {}: give --size as well, as --size 832x480", resize);
  }
  if (size.resize == Resize::kCover && arguments.multiple > 0) {
    fail(ExitCode::kUsage,
         "--multiple {}: --resize cover makes clips of --size, whatever it is a multiple of; leave "
         "it out, or give --resize fit",
         arguments.multiple);
  }
  const std::optional<FrameSize> parsed = parse_frame_size(arguments.size);
  if (!parsed) {
    fail(ExitCode::kUsage, "--size {}: give width and height in pixels, as 832x480",
         arguments.size);
  }
  if (size.resize == Resize::kNative) {
    fail(ExitCode::kUsage, "--resize native: it keeps each video's own size; leave --size out");
  }
  size.width = parsed->width;
  size.height = parsed->height;
}

// Of several parts, each says what it made and skipped, and the first what is there now.
void show(const PrepareOptions& options, const PrepareReport& report) {
  const std::string made = fmt::format(
      "{} made now from {} videos and images, {:.1f} s", report.clips_made,
      report.sources - static_cast<std::int64_t>(report.skipped.size()) - report.sources_present,
      report.seconds);
  const std::string folder = options.output.string();
  if (options.part > 0)
    fmt::print("{}, part {} of {}: {}\n", folder, options.part, options.parts, made);
  else
    fmt::print("{}: {} clips to train on and {} held out; {}\n", folder, report.clips_train,
               report.clips_validation, made);
  if (report.sources_present > 0) {
    fmt::print("{} videos and images were there already\n", report.sources_present);
  }
  const auto count = [](std::int64_t clips, const char* what) {
    if (clips > 0) fmt::print("{} clips {}\n", clips, what);
  };
  if (options.part == 0) {
    count(report.clips_retired, "of files that changed or are gone count no more");
    count(report.clips_duplicate, "that are there twice count once");
    count(report.clips_shared, "are left out: they show frames of held-out clips");
  }
  if (report.rests > 0)
    fmt::print("{} frames are in no clip: {} rests are too short for one\n", report.rest_frames,
               report.rests);
  for (const std::string& line : summarise(report.skipped)) fmt::print("skipped {}\n", line);
  for (const std::string& line : summarise(report.notes)) fmt::print("note: {}\n", line);
  if (!report.skipped.empty() || !report.notes.empty())
    fmt::print("All of these are in {}\n", (options.output / "report.json").string());
}

void run(Arguments arguments) {
  PrepareOptions& options = arguments.options;
  set_part(arguments.shard_of, options);
  set_log_rank(options.part, options.parts);
  set_size(arguments, options.settings.size);
  options.settings.lengths =
      clip_lengths(arguments.longest, arguments.shortest, arguments.step, arguments.stride);
  options.settings.cutting = *cutting_named(arguments.cutting);
  options.shard_bytes = static_cast<std::uint64_t>(arguments.shard_megabytes * (1 << 20));
  const StopSignals signals;
  const PrepareReport report = prepare_corpus(options, signals.requested());
  if (arguments.json) {
    if (options.part == 0 || !arguments.shard_of.empty()) fmt::print("{}", report_json(report));
  } else {
    show(options, report);
  }
}

void add_options(const Command& command, Arguments& arguments) {
  PrepareOptions& options = arguments.options;
  PrepareSettings& settings = options.settings;
  command
      .add_option("IN", options.input,
                  "The corpus: a folder of clips with captions beside them, or with metadata or "
                  "tar archives; a metadata file, an archive, a video")
      .required();
  command
      .add_option("OUT", options.output,
                  "Folder for the shards; a call that was stopped goes on here")
      .required();
  command.add_option("--size", arguments.size, "Width and height in pixels; default: as they are");
  command
      .add_option("--resize", arguments.resize,
                  "cover: fill --size and cut off the rest (default with --size); fit: keep the "
                  "aspect ratio, with at most as many pixels as --size; native: as they are")
      .one_of({"cover", "fit", "native"});
  command
      .add_option("--multiple", arguments.multiple,
                  "fit and native: width and height are multiples of it; default: 16")
      .between(1, 1024);
  command
      .add_option("--fps", settings.fps, "Frames a second; 0: each picture of the video is a frame")
      .show_default();
  command.add_option("--frames", arguments.longest, "Frames of a clip, at most").show_default();
  command
      .add_option("--min-frames", arguments.shortest,
                  "Frames of a clip, at least; shorter scenes and rests are dropped, images never. "
                  "0: 5, and a quarter of --frames for the rest of a scene behind a whole clip")
      .at_least(0)
      .show_default();
  command
      .add_option("--frame-step", arguments.step,
                  "Lengths of clips are --min-frames plus a multiple of it")
      .show_default();
  command
      .add_option("--stride", arguments.stride,
                  "Frames from the start of a clip to that of the next; 0: end to end")
      .show_default();
  command
      .add_option("--split", arguments.cutting,
                  "Long videos: scenes, at cuts and by length; length, by length alone; none, only "
                  "the first clip of each")
      .one_of({"scenes", "length", "none"})
      .show_default();
  command
      .add_option("--validation", settings.validation,
                  "Share held out, where IN has no train/ and validation/")
      .show_default();
  command.add_option("--caption", settings.captions.fallback,
                     "Caption of clips that have none; without it they are skipped");
  command
      .add_option("--max-caption-bytes", settings.captions.max_bytes,
                  "Longer captions are cut there, between two letters")
      .at_least(1)
      .show_default();
  command
      .add_option("--workers", options.workers, "Decoders at once, a process each; 0: one a core")
      .show_default();
  command.add_option("--shard-of", arguments.shard_of,
                     "I/N: this process does part I of N; under mpirun that is its rank");
  command.add_option("--shard-mb", arguments.shard_megabytes, "A shard ends at this size")
      .between(0.001, 1e6)
      .show_default();
  command
      .add_option("--time-limit", options.limits.total_seconds,
                  "Seconds that a video may take to decode, beside one for each of its pictures")
      .between(0.1, 1e6)
      .show_default();
  command.add_flag("--json", arguments.json, "Print the report as one JSON object");
}

}  // namespace

void add_prepare_command(const Command& program) {
  auto arguments = std::make_shared<Arguments>();
  const Command command =
      program.add_command("prepare", "Make the shards of a corpus from videos and captions");
  add_options(command, *arguments);
  command.footer(R"(Examples:
  muybridge prepare corpora/shapes prepared/shapes --size 32x32
  muybridge prepare my-clips prepared/my-clips --size 832x480 --fps 16 --frames 81 --min-frames 5 --frame-step 4
  muybridge prepare my-clips prepared/my-clips --size 832x480 --resize fit
  muybridge prepare film.mp4 prepared/film --caption "a silent film" --fps 12 --frames 48
  mpirun -np 8 muybridge prepare /data/webdataset /data/shards --size 256x256 --workers 4
Shards and report.json, with every file that was skipped and why, are in OUT.
Ctrl-C keeps what is done; the same command goes on from there.)");
  command.run([arguments] { run(*arguments); });

  // What a decoder process runs; not for people.
  const Command decode = program.add_command(kDecodeCommand, "Serve a parent that prepares");
  decode.hide();
  decode.run([] { std::exit(run_decode_child()); });
}

}  // namespace muybridge
