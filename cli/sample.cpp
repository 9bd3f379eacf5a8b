#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "core/error.h"
#include "eval/render.h"
#include "parallel/world.h"
#include "train/loaded_model.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

struct Arguments {
  std::string checkpoint;
  std::vector<std::string> prompts;
  std::string size;
  std::string solver;
  std::string out = "samples";
  int frames = 0;
  int steps = 0;
  int upscale = 0;
  double guidance = -1;
  std::uint64_t seed = 0;
  bool json = false;
  bool raw = false;
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
  if (arguments.steps > 0) options.sampler.steps = arguments.steps;
  if (arguments.upscale > 0) options.upscale = arguments.upscale;
  if (arguments.guidance >= 0) options.sampler.guidance = arguments.guidance;
  if (arguments.solver == "euler") options.sampler.solver = Solver::kEuler;
  if (arguments.solver == "heun") options.sampler.solver = Solver::kHeun;
  if (arguments.solver == "ab2") options.sampler.solver = Solver::kAb2;
  return options;
}

void sample(const Arguments& arguments) {
  const LoadedModel model(arguments.checkpoint, {}, *solo_group(), arguments.raw);
  const World world;
  omp_set_num_threads(model.config.threads > 0 ? model.config.threads : world.threads());
  const RenderOptions options = render_options(arguments, model.config);
  const SampleSet set{.step = model.step,
                      .checkpoint = model.manifest_hash,
                      .settings = fmt::format("{} steps, guidance {:g}", options.sampler.steps,
                                              options.sampler.guidance),
                      .clips = {}};
  std::vector<RenderRequest> requests;
  for (std::size_t i = 0; i < arguments.prompts.size(); ++i)
    requests.push_back({.prompt = arguments.prompts[i],
                        .seed = arguments.seed + i,
                        .file = fmt::format("clip-{:03}-seed-{}.mp4", i, arguments.seed + i)});
  std::filesystem::create_directories(arguments.out);
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const std::vector<SampleRecord> records = render_clips(
      model.dit, requests, options, arguments.out, set, [terminal](int step, int steps) {
        if (terminal)
          fmt::print(stderr, "\rsampling {}/{}{}", step, steps, step == steps ? "\n" : "");
      });
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const SampleRecord& record : records) {
    const std::string path = (std::filesystem::path(arguments.out) / record.file).string();
    if (!arguments.json) fmt::print("{}\n", path);
    rows.push_back({{"prompt", record.prompt},
                    {"seed", record.seed},
                    {"file", path},
                    {"scores", record.scores}});
  }
  if (arguments.json) fmt::print("{}\n", rows.dump(2));
}

}  // namespace

void add_sample_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("sample", "Make clips from prompts");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("CHECKPOINT", arguments->checkpoint, "A run's folder, or one commit in it")
      ->required();
  command->add_option("--prompt", arguments->prompts, "What the clip shows; may be given again")
      ->required();
  command
      ->add_option("--frames", arguments->frames,
                   "Frames of a clip; default: eval.frames of the run")
      ->check(CLI::PositiveNumber);
  command->add_option("--size", arguments->size,
                      "WIDTHxHEIGHT in pixels; default: eval.size of the run");
  command
      ->add_option("--guidance", arguments->guidance,
                   "How strictly to follow the prompt; 1 is without guidance")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--steps", arguments->steps, "Steps of the solver")
      ->check(CLI::PositiveNumber);
  command->add_option("--solver", arguments->solver, "euler, heun or ab2")
      ->check(CLI::IsMember({"euler", "heun", "ab2"}));
  command->add_option("--seed", arguments->seed, "Seed of the first clip; the next gets the next")
      ->capture_default_str();
  command->add_option("--upscale", arguments->upscale, "Each pixel becomes a square of this side")
      ->check(CLI::PositiveNumber);
  command->add_option("--out", arguments->out, "Folder for the MP4 files")->capture_default_str();
  command->add_flag("--raw", arguments->raw, "Use the weights of the last step, not their average");
  command->add_flag("--json", arguments->json, "Print what was made as JSON");
  command->footer(R"(Examples:
  muybridge sample runs/shapes --prompt "a red circle moving left"
  muybridge sample runs/shapes --prompt "a blue square moving up" --frames 32 --size 48x32 --guidance 3 --seed 7 --out clips)");
  command->callback([arguments] { sample(*arguments); });
}

}  // namespace muybridge
