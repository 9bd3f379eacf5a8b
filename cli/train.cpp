#include <omp.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "core/log.h"
#include "train/checks/cut_captions.h"
#include "train/checks/cut_clips.h"
#include "train/checks/idle_cores.h"
#include "train/evaluation/clip_shape.h"
#include "train/load_config.h"
#include "train/trainer.h"

namespace muybridge {
namespace {

struct Arguments {
  std::string file;
  std::vector<std::string> overrides;
};

void train(const Arguments& arguments) {
  const TrainConfig config =
      with_shape_of_clips(load_train_config(arguments.file, arguments.overrides));
  World world({.time_limit_seconds = config.train.collective_timeout_seconds,
               .liveness_seconds = config.train.liveness_seconds});
  set_log_rank(world.rank(), world.size());
  omp_set_num_threads(config.threads > 0 ? config.threads : world.threads());
  if (world.rank() == 0) {
    warn_of_cut_captions(config);
    warn_of_cut_clips(config);
  }
  if (config.threads == 0 && std::getenv("OMP_NUM_THREADS") == nullptr && world.local_rank() == 0)
    if (const std::string advice =
            idle_cores_advice(world.local_size(), world.threads(), cores_to_share());
        !advice.empty())
      log_warning("{}", advice);
  std::vector<std::string> command_line{"muybridge", "train", arguments.file};
  command_line.insert(command_line.end(), arguments.overrides.begin(), arguments.overrides.end());
  if (Trainer(config, world, command_line).run() == TrainOutcome::kPreempted)
    fail(ExitCode::kPreempted, "exit code {}: stopped on request",
         static_cast<int>(ExitCode::kPreempted));
}

}  // namespace

void add_train_command(const Command& program) {
  const Command command = program.add_command("train", "Train a model, or go on with a run");
  auto arguments = std::make_shared<Arguments>();
  command.add_option("FILE", arguments->file, "YAML configuration of the run").required();
  command.add_option("a.b=c", arguments->overrides, "Values that replace the file's");
  command.footer(
      R"(A run that was stopped or killed goes on from its last commit when the same command is given.

Examples:
  muybridge train configs/shapes.yaml
  mpirun -np 2 muybridge train configs/shapes.yaml train.steps=200
  muybridge train configs/finetune.yaml data.train=prepared/my-clips)");
  command.run([arguments] { train(*arguments); });
}

}  // namespace muybridge
