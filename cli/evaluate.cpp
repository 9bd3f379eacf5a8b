#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/drawing_memory.h"
#include "cli/weights_options.h"
#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "parallel/together.h"
#include "parallel/world.h"
#include "train/checks/alike.h"
#include "train/checks/preflight.h"
#include "train/evaluation/clip_shape.h"
#include "train/evaluation/evaluation.h"
#include "train/model_options.h"
#include "train/weights/loaded_model.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Arguments {
  std::string path;
  std::vector<std::string> overrides;
  bool json = false;
  bool ema = false;
  bool raw = false;
};

// The corpus whose held-out clips give the loss; none, on all ranks, where rank 0 does not see it.
std::unique_ptr<CorpusIndex> open_corpus(const TrainConfig& config, Group& group) {
  const bool separate = !config.data.validation.empty();
  const std::string& folder = separate ? config.data.validation : config.data.train;
  if (!require_shared(separate ? "data.validation" : "data.train", folder, group)) {
    if (group.rank() == 0)
      log_warning(
          "{}: no prepared corpus there, so no validation loss; name one with "
          "data.validation=FOLDER",
          folder);
    return nullptr;
  }
  return std::make_unique<CorpusIndex>(separate ? CorpusIndex::open_held_out(folder)
                                                : CorpusIndex::open(folder));
}

// Seconds that earlier commands took, from their reports.
Json wall_seconds(const TrainConfig& config, const RunFolder& run, double evaluate_seconds) {
  Json seconds = Json::object();
  const fs::path prepared = fs::path(config.data.train) / "report.json";
  const auto find = [](const fs::path& file, const Json::json_pointer& key) -> Json {
    if (!fs::exists(file)) return nullptr;
    const Json report = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
    return !report.is_discarded() && report.contains(key) ? report.at(key) : Json(nullptr);
  };
  seconds["prepare"] = find(prepared, Json::json_pointer("/wall_seconds"));
  seconds["train"] = find(run.report(), Json::json_pointer("/wall_seconds/train"));
  seconds["evaluate"] = evaluate_seconds;
  return seconds;
}

Json peak_memory(const RunFolder& run, Group& group) {
  auto bytes = static_cast<double>(peak_memory_bytes(group));
  if (fs::exists(run.report())) {
    const Json report = Json::parse(read_file(run.report()), nullptr, false);
    if (report.is_object()) bytes = std::max(bytes, report.value("peak_memory_bytes", 0.0));
  }
  return static_cast<std::int64_t>(bytes);
}

void print_evaluation(const Evaluation& evaluation, const RunFolder& run) {
  fmt::print("step {}\n", evaluation.step);
  if (!std::isnan(evaluation.validation_loss.front()))
    fmt::print("validation loss by timestep quantile  {:.4f}\n",
               fmt::join(evaluation.validation_loss, " "));
  for (const auto& [name, summary] : evaluation.score_details)
    fmt::print("{}\n", describe_score(name, summary));
  fmt::print("report   {}\ngallery  {}\n", run.report().string(),
             fs::absolute(run.gallery()).string());
}

void run_evaluate(const Arguments& arguments) {
  World world({.time_limit_seconds = kNoTimeLimit});
  set_log_rank(world.rank(), world.size());
  Group& group = *world.group();
  if (fs::is_regular_file(arguments.path))
    fail(ExitCode::kUsage,
         "{} is a file; evaluate measures a run's commits: give the run's folder or one of its "
         "checkpoints ('muybridge sample' makes clips from files)",
         arguments.path);
  LoadedModel model({.path = arguments.path,
                     .overrides = arguments.overrides,
                     .reader = keys_of_evaluate(),
                     .choice = weights_choice(arguments.raw, arguments.ema)},
                    world.group());
  model.mesh.prepare(take_device(model.config, world));
  model.config = with_shape_of_clips(std::move(model.config));
  omp_set_num_threads(model.config.threads > 0 ? model.config.threads : world.threads());
  const std::unique_ptr<CorpusIndex> corpus = open_corpus(model.config, group);
  if (corpus) require_alike(group, {{"the corpus with held-out clips", corpus->identity()}});
  const EvaluationPrompts prompts = prepare_evaluation(model.config, corpus.get(), group);
  if (!prompts.picked.empty())
    require_memory_to_draw(model, render_options(model.config), std::ssize(prompts.picked), world);
  model.load();
  // RUN/checkpoints/step-00012000 belongs to RUN, wherever that lies now.
  const RunFolder run{model.origin.parent_path().parent_path()};
  rank_zero(group, [&] {
    fs::create_directories(run.samples());
    return std::string();
  });
  require_writable({run.root, run.samples()}, group);
  const Evaluation evaluation = evaluate(model.dit,
                                         {.config = model.config,
                                          .corpus = corpus.get(),
                                          .prompts = prompts,
                                          .step = model.step,
                                          .checkpoint = model.hash},
                                         run, model.mesh);
  const Json peak = peak_memory(run, group);
  rank_zero(group, [&] {
    const std::string about = describe_model(model.dit.options, model.parameter_count);
    write_report(run, evaluation, about,
                 {{"wall_seconds", wall_seconds(model.config, run, evaluation.seconds)},
                  {"peak_memory_bytes", peak},
                  {"weights", model.weights}});
    draw_gallery(run, evaluation, about, model.config.run.name);
    if (arguments.json)
      fmt::print("{}", read_file(run.report()));
    else
      print_evaluation(evaluation, run);
    return std::string();
  });
}

}  // namespace

void add_evaluate_command(const Command& program) {
  const Command command = program.add_command(
      "evaluate", "Measure a checkpoint: held-out loss, clips for fixed prompts, their scores");
  auto arguments = std::make_shared<Arguments>();
  command.add_option("RUN", arguments->path, "A run's folder, or one commit in it").required();
  command.add_option("a.b=c", arguments->overrides, "Values that replace the run's configuration");
  add_weights_options(command, arguments->raw, arguments->ema);
  command.add_flag("--json", arguments->json, "Print report.json instead of a summary");
  command.footer(
      R"(Writes RUN/report.json, RUN/samples/step-NNNNNNNN and the gallery RUN/index.html.
Ranks of mpirun share the prompts, or the model where parallel.tensor, .context or .pipeline says
so; how the run was trained does not matter.

Examples:
  muybridge evaluate runs/shapes
  mpirun -np 2 muybridge evaluate runs/shapes eval.samples=72 eval.guidance=3
  mpirun -np 4 muybridge evaluate runs/shapes parallel.tensor=2
  muybridge evaluate runs/shapes/checkpoints/step-00000400 --json)");
  command.run([arguments] { run_evaluate(*arguments); });
}

}  // namespace muybridge
