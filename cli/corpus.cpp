#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "config/values.h"
#include "core/error.h"
#include "data/synthetic/synthetic_corpus.h"

namespace muybridge {
namespace {

struct Arguments {
  std::string kind;
  std::string out;
  std::string size = "64x64";
  CorpusPlan plan;
  std::optional<Option> two_shapes;
  bool json = false;
};

void show_progress(std::int64_t done, std::int64_t total) {
  if (done % 20 != 0 && done != total) return;
  fmt::print(stderr, "\r{} of {} clips{}", done, total, done == total ? "\n" : "");
}

std::string folder_name(const std::filesystem::path& folder) {
  return (folder / "").parent_path().filename().string();
}

void make(Arguments arguments) {
  CorpusPlan& plan = arguments.plan;
  plan.kind = *corpus_kind(arguments.kind);
  if (arguments.two_shapes->given() && plan.kind != CorpusKind::kShapes)
    fail(ExitCode::kUsage, "--two-shapes: only clips of shapes can show two; leave it out");
  const std::optional<FrameSize> size = parse_frame_size(arguments.size);
  if (!size) {
    fail(ExitCode::kUsage, "--size {}: give width and height in pixels, as 64x64", arguments.size);
  }
  plan.clip.width = size->width;
  plan.clip.height = size->height;

  const auto start = std::chrono::steady_clock::now();
  const CorpusReport report = make_corpus(
      plan, arguments.out, ::isatty(STDERR_FILENO) ? show_progress : decltype(&show_progress){});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  if (arguments.json) {
    const nlohmann::ordered_json out = {
        {"folder", arguments.out},       {"kind", arguments.kind}, {"train", plan.train},
        {"validation", plan.validation}, {"made", report.made},    {"kept", report.kept},
        {"seconds", seconds.count()}};
    fmt::print("{}\n", out.dump());
  } else {
    fmt::print("{}: {} clips to train on and {} held out; {} made, {} there already, {:.1f} s\n",
               arguments.out, plan.train, plan.validation, report.made, report.kept,
               seconds.count());
    // The size that configs/shapes.yaml and configs/physics.yaml train at, or less where it is
    // less.
    fmt::print("next: muybridge prepare {} prepared/{} --size {}x{}\n", arguments.out,
               folder_name(arguments.out), std::min(32, size->width), std::min(32, size->height));
  }
}

}  // namespace

void add_corpus_command(const Command& program) {
  const Command corpus = program.add_command("corpus", "Make a synthetic corpus");
  corpus.needs_command();
  corpus.footer(R"(Examples:
  muybridge corpus make shapes corpora/shapes)");

  auto arguments = std::make_shared<Arguments>();
  CorpusPlan& plan = arguments->plan;
  const Command command = corpus.add_command(
      "make", "Write captioned MP4 clips whose captions can be checked against the pictures");
  command
      .add_option("KIND", arguments->kind,
                  "shapes: one or two coloured shapes, each moving in a direction; "
                  "physics: a ball thrown or dropped, bouncing under gravity")
      .required()
      .one_of({"shapes", "physics"});
  command
      .add_option("OUT", arguments->out,
                  "Folder for train/ and validation/; a call that was stopped goes on here")
      .required();
  command.add_option("--clips", plan.train, "Clips to train on").show_default();
  command.add_option("--validation", plan.validation, "Clips held out").show_default();
  command.add_option("--size", arguments->size, "Width and height in pixels").show_default();
  command.add_option("--frames", plan.clip.frames, "Frames of a clip").show_default();
  command.add_option("--fps", plan.clip.fps, "Frames a second").show_default();
  arguments->two_shapes =
      command
          .add_option("--two-shapes", plan.clip.two_shapes, "Share of shapes clips that show two")
          .between(0.0, 1.0)
          .show_default();
  command.add_option("--seed", plan.seed, "Another seed makes other clips").show_default();
  command.add_option("--crf", plan.crf, "H.264 quality: 0 best, 51 worst")
      .between(0, 51)
      .show_default();
  command.add_option("--threads", plan.threads, "Clips made at once; 0: one a core").show_default();
  command.add_flag("--json", arguments->json, "Print one JSON object");
  command.footer(R"(Examples:
  muybridge corpus make shapes corpora/shapes
  muybridge corpus make shapes corpora/shapes --clips 4000 --seed 7
  muybridge corpus make physics corpora/physics --size 96x64 --frames 24 --fps 12)");
  command.run([arguments] { make(*arguments); });
}

}  // namespace muybridge
