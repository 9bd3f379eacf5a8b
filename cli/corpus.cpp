#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
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
  bool json = false;
};

void show_progress(std::int64_t done, std::int64_t total) {
  if (done % 20 != 0 && done != total) return;
  fmt::print(stderr, "\r{} of {} clips{}", done, total, done == total ? "\n" : "");
}

void make(Arguments arguments) {
  CorpusPlan& plan = arguments.plan;
  plan.kind = *corpus_kind(arguments.kind);
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
    fmt::print("next: muybridge prepare {} {}-shards\n", arguments.out, arguments.out);
  }
}

}  // namespace

void add_corpus_command(CLI::App& program) {
  CLI::App* corpus = program.add_subcommand("corpus", "Make a synthetic corpus");
  corpus->require_subcommand(1);
  corpus->footer(R"(Examples:
  muybridge corpus make shapes corpus/shapes)");

  auto arguments = std::make_shared<Arguments>();
  CorpusPlan& plan = arguments->plan;
  CLI::App* command = corpus->add_subcommand(
      "make", "Write captioned MP4 clips whose captions can be checked against the pictures");
  command
      ->add_option("KIND", arguments->kind,
                   "shapes: one or two coloured shapes, each moving in a direction; "
                   "physics: a ball thrown or dropped, bouncing under gravity")
      ->required()
      ->check(CLI::IsMember({"shapes", "physics"}));
  command
      ->add_option("OUT", arguments->out,
                   "Folder for train/ and validation/; a call that was stopped goes on here")
      ->required();
  command->add_option("--clips", plan.train, "Clips to train on")->capture_default_str();
  command->add_option("--validation", plan.validation, "Clips held out")->capture_default_str();
  command->add_option("--size", arguments->size, "Width and height in pixels")
      ->capture_default_str();
  command->add_option("--frames", plan.clip.frames, "Frames of a clip")->capture_default_str();
  command->add_option("--fps", plan.clip.fps, "Frames a second")->capture_default_str();
  command->add_option("--two-shapes", plan.clip.two_shapes, "Share of shapes clips that show two")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--seed", plan.seed, "Another seed makes other clips")->capture_default_str();
  command->add_option("--crf", plan.crf, "H.264 quality: 0 best, 51 worst")
      ->check(CLI::Range(0, 51))
      ->capture_default_str();
  command->add_option("--threads", plan.threads, "Clips made at once; 0: one a core")
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->footer(R"(Examples:
  muybridge corpus make shapes corpus/shapes
  muybridge corpus make shapes corpus/shapes --clips 4000 --seed 7
  muybridge corpus make physics corpus/physics --size 96x64 --frames 24 --fps 12)");
  command->callback([arguments] { make(*arguments); });
}

}  // namespace muybridge
