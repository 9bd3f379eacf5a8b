#include <fmt/format.h>
#include <omp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/drawing_memory.h"
#include "cli/weights_options.h"
#include "core/error.h"
#include "core/log.h"
#include "core/system/progress_bar.h"
#include "core/text/utf8.h"
#include "eval/clip_name.h"
#include "eval/prompt_file.h"
#include "eval/render.h"
#include "eval/sample_folder.h"
#include "eval/shared_render.h"
#include "parallel/together.h"
#include "parallel/world.h"
#include "train/checks/alike.h"
#include "train/checks/preflight.h"
#include "train/model_options.h"
#include "train/stop_request.h"
#include "train/weights/loaded_model.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string checkpoint;
  std::vector<std::string> overrides;
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
  double shift = 0;
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
  if (arguments.shift > 0) options.sampler.shift = arguments.shift;
  options.sampler.solver = solver_from(arguments.solver).value_or(options.sampler.solver);
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

// Ranks that had other numbers of prompts would wait for each other.
void require_same_prompts(const std::vector<RenderRequest>& requests, Group& group) {
  std::vector<std::string> texts;
  texts.reserve(requests.size());
  for (const RenderRequest& request : requests) texts.push_back(request.prompt);
  require_alike(group, {hash_of("the prompts", texts)});
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
  row["step"] = clip.step;
  for (const char* key : {"file", "gif", "frames"})
    if (row.contains(key)) row[key] = (out / row[key].get<std::string>()).string();
  row["scores"] = clip.record.scores;  // also where there are none
  row["settings"] = clip.settings;
  return row;
}

// Clips are drawn some at a time, so that what is done stays when the rest is stopped.
class Session {
 public:
  Session(const Arguments& arguments, const LoadedModel& model, const RenderOptions& options,
          const std::vector<RenderRequest>& requests)
      : arguments_(arguments),
        model_(model),
        options_(options),
        requests_(requests),
        set_(describe_origin(model, options)),
        bar_(static_cast<double>(requests.size())) {
    workbench_ = rank_zero(group(), [&] {
      folder_.emplace(arguments_.out);
      return folder_->workbench().string();
    });
    require_writable({workbench_}, group());
  }

  void draw() {
    const std::size_t at_once = clips_at_once(model_.dit.options, options_) *
                                static_cast<std::size_t>(model_.mesh.sizes().data);
    const StopRequest stop(*model_.mesh.replica(), /*max_seconds=*/0);
    for (std::size_t first = 0; first < requests_.size(); first += at_once)
      draw_some(first, std::min(first + at_once, requests_.size()), stop);
    print_end();
  }

 private:
  Group& group() const { return *model_.mesh.world(); }

  void print_end() const {
    if (group().rank() > 0) return;
    if (arguments_.json)
      fmt::print("{}\n", rows_.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    else
      fmt::print("page  {}\n", fs::absolute(folder_->page()).string());
    std::fflush(stdout);
  }

  void draw_some(std::size_t first, std::size_t end, const StopRequest& stop) {
    const std::vector<RenderRequest> some(requests_.begin() + static_cast<std::ptrdiff_t>(first),
                                          requests_.begin() + static_cast<std::ptrdiff_t>(end));
    const auto progress = [&](int step, int steps) {
      if (stop.agreed()) fail(ExitCode::kPreempted, "stopped");
      if (group().rank() > 0) return;
      const double done = static_cast<double>(first) +
                          static_cast<double>((end - first) * step) / static_cast<double>(steps);
      bar_.update(done, fmt::format("clip {} of {}, step {} of {}", first + 1, requests_.size(),
                                    step, steps));
    };
    std::vector<SampleRecord> records =
        render_shared(model_.dit, model_.mesh, some, options_, workbench_, set_,
                      {.progress = progress, .stop = [&] { return stop.asked_here(); }});
    std::erase_if(records, [](const SampleRecord& record) { return record.file.empty(); });
    const std::size_t drawn = records.size();
    bar_.clear();
    rank_zero(group(), [&] {
      std::vector<CollectedClip> clips;
      clips.reserve(records.size());
      for (SampleRecord& record : records)
        clips.push_back({.record = std::move(record),
                         .model = arguments_.checkpoint,
                         .step = model_.step,
                         .checkpoint = model_.hash,
                         .settings = set_.settings,
                         .made = utc_now()});
      for (const CollectedClip& clip : folder_->add(std::move(clips), arguments_.overwrite)) {
        if (!arguments_.json) print_clip(clip, arguments_.out);
        rows_.push_back(row_of(clip, arguments_.out));
      }
      return std::string();
    });
    if (drawn == some.size()) return;
    print_end();
    fail(ExitCode::kPreempted, "stopped; {} of {} clips are in {}", first + drawn, requests_.size(),
         arguments_.out);
  }

  const Arguments& arguments_;
  const LoadedModel& model_;
  const RenderOptions& options_;
  const std::vector<RenderRequest>& requests_;
  const SampleSet set_;
  ProgressBar bar_;
  std::optional<SampleFolder> folder_;  // of rank 0
  fs::path workbench_;
  nlohmann::ordered_json rows_ = nlohmann::ordered_json::array();
};

void sample(const Arguments& arguments) {
  World world({.time_limit_seconds = kNoTimeLimit});
  set_log_rank(world.rank(), world.size());
  LoadedModel model({.path = arguments.checkpoint,
                     .overrides = arguments.overrides,
                     .reader = keys_of_sample(),
                     .choice = weights_choice(arguments.raw, arguments.ema)},
                    world.group());
  model.mesh.prepare(take_device(model.config, world));
  omp_set_num_threads(model.config.threads > 0 ? model.config.threads : world.threads());
  const RenderOptions options = render_options(arguments, model.config);
  const std::vector<RenderRequest> requests =
      read_requests(arguments, options.sampler.max_caption_bytes);
  require_same_prompts(requests, *world.group());
  require_memory_to_draw(model, options, std::ssize(requests), world);
  model.load();
  Session(arguments, model, options, requests).draw();
}

void add_what_to_draw(const Command& command, Arguments& arguments) {
  command
      .add_option("CHECKPOINT", arguments.checkpoint,
                  "A run's folder, one commit in it, or a file of 'checkpoint export'")
      .required();
  command.add_option("a.b=c", arguments.overrides,
                     "parallel.* and others of how it computes: values for the configuration of "
                     "the checkpoint");
  command.add_option("--prompt", arguments.prompts, "What the clip shows; may be given again")
      .one_at_a_time();
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
  command
      .add_option("--solver", arguments.solver, "How to integrate the flow; default: eval.solver")
      .one_of(solver_words());
  command
      .add_option("--shift", arguments.shift,
                  "Above 1: more of the steps at high noise; default: eval.shift, or flow.shift")
      .between(0.001, 1000.0);
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
A prompt that is longer than the model reads is refused. Ranks of mpirun share the prompts, or the
model where parallel.tensor, .context or .pipeline says so.

Examples:
  muybridge sample runs/shapes --prompt "a red circle moving left"
  muybridge sample runs/shapes --prompts prompts.txt --count 4 --seed 7 --out clips --gif
  muybridge sample runs/shapes --prompt "a blue square moving up" --negative "a red circle" --guidance 3
  muybridge sample shapes.safetensors --prompt "a star moving right" --frames 32 --size 48x32 --png
  mpirun -np 2 muybridge sample runs/shapes parallel.tensor=2 --prompt "a star moving right")");
  command.run([arguments] { sample(*arguments); });
}

}  // namespace muybridge
