#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "core/error.h"
#include "core/log.h"
#include "train/load_config.h"
#include "train/model_options.h"
#include "train/plan/picture.h"
#include "train/plan/report.h"
#include "train/unread_keys.h"

namespace muybridge {
namespace {

struct Arguments {
  std::string file;
  std::vector<std::string> overrides;
  int nodes = 1;
  int gpus_per_node = 8;
  std::string gpu = "h200";
  double link = 0, network = 0;  // GB/s; 0: as the gpu has them
  int caption_bytes = 512;
  int best = 5;
  std::string picture;
  bool json = false;
};

constexpr int kMostRanks = 1 << 20;

constexpr auto kKeys = std::to_array<std::string_view>(
    {"model.", "parallel.", "batch.", "optimizer.matrices", "train.precision", "train.linear",
     "train.commit", "data.max_caption_bytes", "data.prefetch", "eval.samples", "eval.frames",
     "eval.size", "eval.guidance"});

Cluster cluster_of(const Arguments& arguments) {
  if (std::int64_t{arguments.nodes} * arguments.gpus_per_node > kMostRanks)
    fail(ExitCode::kUsage, "--nodes {} x --gpus-per-node {}: at most {} ranks can be planned",
         arguments.nodes, arguments.gpus_per_node, kMostRanks);
  Cluster cluster{.chip = chip_named(arguments.gpu),
                  .nodes = arguments.nodes,
                  .chips_per_node = arguments.gpus_per_node};
  constexpr double kGiga = 1e9;
  if (arguments.link > 0) cluster.chip.link = arguments.link * kGiga;
  if (arguments.network > 0) cluster.chip.network = arguments.network * kGiga;
  return cluster;
}

void write_picture(const std::string& path, const std::string& svg) {
  std::ofstream file(path, std::ios::binary);
  file << svg << std::flush;
  if (!file)
    fail(ExitCode::kIo, "--picture {}: {}; name a file in a folder that is there and has room",
         path, std::strerror(errno));
}

void plan(const Arguments& arguments) {
  const TrainConfig config = load_train_config(arguments.file, arguments.overrides);
  require_dit(config, "plan");
  refuse_unread_keys({"plan", kKeys}, load_train_config(arguments.file), config);
  const Cluster cluster = cluster_of(arguments);
  const Layout layout = layout_of(config, cluster.ranks());
  StepModel model(cluster, workload_of(config, arguments.caption_bytes));
  const Estimate said = model.estimate(layout);
  const SearchResult found =
      search_layouts(model, {.best = arguments.best, .order = layout.sizes.order});
  if (!arguments.picture.empty()) {
    write_picture(arguments.picture, draw_timeline(said, model.timeline(layout), model));
    log_info("picture: {}", arguments.picture);
  }
  if (arguments.json)
    fmt::print("{}\n", plan_as_json(said, found, model).dump(2));
  else
    fmt::print("{}", describe_plan(said, found, model));
}

}  // namespace

void add_plan_command(const Command& program) {
  const Command command = program.add_command(
      "plan", "Say what a layout of ranks would take and cost, and which are best");
  auto arguments = std::make_shared<Arguments>();
  command.add_option("FILE", arguments->file, "YAML configuration of a run").required();
  command.add_option("a.b=c", arguments->overrides,
                     "Values that replace the file's; of model, parallel, batch and the few others "
                     "that a plan reads");
  command.add_option("--nodes", arguments->nodes, "Machines").show_default().at_least(1);
  command.add_option("--gpus-per-node", arguments->gpus_per_node, "GPUs, and ranks, of a machine")
      .show_default()
      .at_least(1);
  command.add_option("--gpu", arguments->gpu,
                     "h200, which is taken if not said, h100, cpu (a core), or ideal");
  command
      .add_option("--link", arguments->link,
                  "GB/s from a GPU to the others of its machine; 0: as --gpu has it")
      .show_default()
      .at_least(0);
  command
      .add_option("--network", arguments->network,
                  "GB/s from a GPU to other machines; 0: as --gpu has it")
      .show_default()
      .at_least(0);
  command.add_option("--caption-bytes", arguments->caption_bytes, "Length of a clip's caption")
      .show_default()
      .at_least(0);
  command.add_option("--best", arguments->best, "Layouts to show of those found")
      .show_default()
      .at_least(1);
  command.add_option("--picture", arguments->picture,
                     "File for a picture (SVG) of the configured layout's time line");
  command.add_flag("--json", arguments->json, "Print one JSON object");
  command.footer(R"(Examples:
  muybridge plan configs/dit-1.3b.yaml --nodes 1
  muybridge plan configs/dit-1.3b.yaml parallel.tensor=4 --nodes 8 --picture timeline.svg
  muybridge plan configs/dit-1.3b.yaml batch.micro_batches=2048 --nodes 128 --json)");
  command.run([arguments] { plan(*arguments); });
}

}  // namespace muybridge
