#include <fmt/format.h>
#include <omp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/weights_options.h"
#include "core/error.h"
#include "core/log.h"
#include "core/system/machine.h"
#include "core/system/progress_bar.h"
#include "core/system/stop_signals.h"
#include "core/text/utf8.h"
#include "eval/clip_name.h"
#include "eval/prompt_file.h"
#include "eval/render.h"
#include "eval/sample_folder.h"
#include "parallel/world.h"
#include "train/checks/require_memory.h"
#include "train/model_options.h"
#include "train/weights/loaded_model.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string checkpoint;
  std::vector<std::string> prompts;
  std::string prompt_file;
  std::string negative;
  std::string size;
  std::string solver;
  std::string out = "samples";
  int count = 1;
  int frames = 0;
  int steps = 0;
  int upscale = 0;
  double fps = 0;
  double guidance = -1;
  std::uint64_t seed = 0;
  bool gif = false;
  bool png = false;
  bool overwrite = false;
  bool json = false;
  bool raw = false;
  bool ema = false;
};

RenderOptions render_options(const Arguments& arguments, const TrainConfig& config) {
  RenderOptions options = render_options(config);
  if (!arguments.size.empty()) {
    const auto size = parse_frame_size(arguments.size);
    if (!size) fail(ExitCode::kUsage, "--size {}: want WIDTHxHEIGHT in pixels", arguments.size);
    options.width = size->width;
    options.height = size->height;
  }
  if (arguments.frames > 0) options.frames = arguments.frames;
  if (arguments.fps > 0) options.fps = arguments.fps;
  if (arguments.steps > 0) options.sampler.steps = arguments.steps;
  if (arguments.upscale > 0) options.upscale = arguments.upscale;
  if (arguments.guidance >= 0) options.sampler.guidance = arguments.guidance;
  if (arguments.solver == "euler") options.sampler.solver = Solver::kEuler;
  if (arguments.solver == "heun") options.sampler.solver = Solver::kHeun;
  if (arguments.solver == "ab2") options.sampler.solver = Solver::kAb2;
  options.gif = arguments.gif;
  options.png = arguments.png;
  if (!arguments.negative.empty() && options.sampler.guidance == 1.0)
    fail(ExitCode::kUsage,
         "--negative: guidance is 1, which looks at no second prompt; give --guidance above 1");
  return options;
}

// A prompt that would be read in part only is refused: the clip would show something else.
void check_text(const std::string& text, const char* option, std::size_t limit) {
  if (find_invalid_utf8(text) != std::string_view::npos)
    fail(ExitCode::kUsage, "{} \"{}\": not UTF-8", option, text);
  if (text.size() > limit)
    fail(ExitCode::kUsage,
         "{} \"{}...\": {} bytes; this model reads {} (data.max_caption_bytes of its training), so "
         "say it in fewer",
         option, cut_utf8(text, 60), text.size(), limit);
}

std::vector<RenderRequest> read_requests(const Arguments& arguments, std::size_t text_limit) {
  std::vector<std::string> prompts = arguments.prompts;
  if (!arguments.prompt_file.empty())
    for (std::string& prompt : read_prompt_file(arguments.prompt_file))
      prompts.push_back(std::move(prompt));
  if (prompts.empty())
    fail(ExitCode::kUsage, "sample: nothing to draw; give --prompt TEXT, or --prompts FILE");
  check_text(arguments.negative, "--negative", text_limit);
  std::vector<RenderRequest> requests;
  for (const std::string& prompt : prompts) {
    check_text(prompt, "prompt", text_limit);
    for (int i = 0; i < arguments.count; ++i) {
      const std::uint64_t seed = arguments.seed + requests.size();
      requests.push_back({.prompt = prompt,
                          .negative = arguments.negative,
                          .seed = seed,
                          .file = clip_stem(prompt, seed) + ".mp4"});
    }
  }
  return requests;
}

SampleSet describe_origin(const LoadedModel& model, const RenderOptions& options) {
  return {.step = model.step,
          .checkpoint = model.hash,
          .settings =
              fmt::format("{}, {} weights, {} frames of {}x{} at {:g} fps",
                          describe(options.sampler), model.weights == "ema" ? "averaged" : "raw",
                          options.frames, options.width, options.height, options.fps),
          .clips = {}};
}

void print_clip(const CollectedClip& clip, const fs::path& out) {
  for (const std::string* file : {&clip.record.file, &clip.record.gif, &clip.record.frames})
    if (!file->empty()) fmt::print("{}\n", (out / *file).string());
  std::fflush(stdout);
}

nlohmann::ordered_json row_of(const CollectedClip& clip, const fs::path& out) {
  nlohmann::ordered_json row = to_json(clip.record);
  for (const char* key : {"file", "gif", "frames"})
    if (row.contains(key)) row[key] = (out / row[key].get<std::string>()).string();
  row["scores"] = clip.record.scores;  // also where there are none
  row["settings"] = clip.settings;
  return row;
}

void sample(const Arguments& arguments) {
  const LoadedModel model(arguments.checkpoint, {}, *solo_group(),
                          weights_choice(arguments.raw, arguments.ema));
  const World world;
  if (world.size() > 1)
    fail(ExitCode::kUsage, "sample uses all cores from one process; start it without mpirun");
  omp_set_num_threads(model.config.threads > 0 ? model.config.threads : world.threads());
  const RenderOptions options = render_options(arguments, model.config);
  const std::vector<RenderRequest> requests =
      read_requests(arguments, options.sampler.max_caption_bytes);
  const std::size_t at_once = clips_at_once(model.dit.options, options);
  const std::string warning =
      require_memory(memory_of_sampling(model.dit.options, options, std::ssize(requests),
                                        model.parameters.flat_size(), compute_dtype(model.config)),
                     1, this_machine(), kLessForSampling);
  if (!warning.empty()) log_warning("{}", warning);
  const SampleSet set = describe_origin(model, options);
  SampleFolder folder(arguments.out);

  const StopSignals signals;
  ProgressBar bar(static_cast<double>(requests.size()));
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (std::size_t first = 0; first < requests.size(); first += at_once) {
    const std::size_t end = std::min(first + at_once, requests.size());
    const std::vector<RenderRequest> some(requests.begin() + static_cast<std::ptrdiff_t>(first),
                                          requests.begin() + static_cast<std::ptrdiff_t>(end));
    const auto progress = [&](int step, int steps) {
      if (signals.requested())
        fail(ExitCode::kPreempted, "stopped; {} of {} clips are in {}", first, requests.size(),
             arguments.out);
      const double done = static_cast<double>(first) +
                          static_cast<double>((end - first) * step) / static_cast<double>(steps);
      bar.update(done, fmt::format("clip {} of {}, step {} of {}", first + 1, requests.size(), step,
                                   steps));
    };
    std::vector<CollectedClip> clips;
    for (SampleRecord& record :
         render_clips(model.dit, some, options, folder.workbench(), set, progress))
      clips.push_back({.record = std::move(record),
                       .model = arguments.checkpoint,
                       .step = model.step,
                       .checkpoint = model.hash,
                       .settings = set.settings,
                       .made = utc_now()});
    bar.clear();
    for (const CollectedClip& clip : folder.add(std::move(clips), arguments.overwrite)) {
      if (!arguments.json) print_clip(clip, arguments.out);
      rows.push_back(row_of(clip, arguments.out));
    }
  }
  if (arguments.json)
    fmt::print("{}\n", rows.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  else
    fmt::print("page  {}\n", fs::absolute(folder.page()).string());
}

void add_what_to_draw(const Command& command, Arguments& arguments) {
  command
      .add_option("CHECKPOINT", arguments.checkpoint,
                  "A run's folder, one commit in it, or a file of 'checkpoint export'")
      .required();
  command.add_option("--prompt", arguments.prompts, "What the clip shows; may be given again");
  command.add_option("--prompts", arguments.prompt_file,
                     "A text file with a prompt a line; lines that begin with # are left out");
  command.add_option("--negative", arguments.negative,
                     "What the clip shall not show: guidance moves away from it");
  command.add_option("--count", arguments.count, "Clips of each prompt")
      .between(1, 10000)
      .show_default();
  command.add_option("--seed", arguments.seed, "Seed of the first clip; the next gets the next")
      .show_default();
  command.add_option("--frames", arguments.frames, "Frames of a clip; default: eval.frames")
      .above(0);
  command.add_option("--size", arguments.size, "WIDTHxHEIGHT in pixels; default: eval.size");
  command
      .add_option("--fps", arguments.fps,
                  "Frames a second at which it plays; default: eval.fps. The frames stay the same")
      .between(0.01, 240.0);
}

void add_how_to_draw(const Command& command, Arguments& arguments) {
  command
      .add_option("--guidance", arguments.guidance,
                  "How strictly to follow the prompt; 1 is without guidance; default: "
                  "eval.guidance")
      .at_least(0);
  command
      .add_option("--steps", arguments.steps,
                  "Steps of the solver, more are finer and slower; default: eval.steps")
      .above(0);
  command.add_option("--solver", arguments.solver, "euler, heun or ab2; default: eval.solver")
      .one_of({"euler", "heun", "ab2"});
  add_weights_options(command, arguments.raw, arguments.ema);
}

void add_where_to_put_it(const Command& command, Arguments& arguments) {
  command.add_option("--out", arguments.out, "Folder for the clips; later calls add to it")
      .show_default();
  command.add_flag("--overwrite", arguments.overwrite,
                   "Replace clips of the same prompt and seed; without it they get a number");
  command
      .add_option("--upscale", arguments.upscale,
                  "Each pixel becomes a square of this side; default: eval.upscale")
      .between(1, 64);
  command.add_flag("--gif", arguments.gif, "Write each clip as a GIF, too");
  command.add_flag("--png", arguments.png,
                   "Write the frames of each clip, too: NAME/frame-0001.png and so on, without "
                   "loss, as editing programs read them");
  command.add_flag("--json", arguments.json, "Print what was made as JSON");
}

}  // namespace

void add_sample_command(const Command& program) {
  const Command command = program.add_command("sample", "Make clips from prompts");
  auto arguments = std::make_shared<Arguments>();
  add_what_to_draw(command, *arguments);
  add_how_to_draw(command, *arguments);
  add_where_to_put_it(command, *arguments);
  command.footer(
      R"(Defaults that are called eval.* are those of the run, see 'muybridge checkpoint show'.
Beside the clips, samples.json says where each comes from, and index.html shows them all.
A prompt that is longer than the model reads is refused.

Examples:
  muybridge sample runs/shapes --prompt "a red circle moving left"
  muybridge sample runs/shapes --prompts prompts.txt --count 4 --seed 7 --out clips --gif
  muybridge sample runs/shapes --prompt "a blue square moving up" --negative "a red circle" --guidance 3
  muybridge sample shapes.safetensors --prompt "a star moving right" --frames 32 --size 48x32 --png)");
  command.run([arguments] { sample(*arguments); });
}

}  // namespace muybridge
