#include "train/resume.h"

#include "core/log.h"
#include "train/checkpoint_folder.h"

namespace muybridge {

TrainState state_of(const Parameters& parameters, const Optimizer& optimizer) {
  TrainState state;
  state.parameters = &parameters;
  state.master = parameters.master();
  state.momentum = optimizer.momentum();
  state.variance = optimizer.variance();
  state.ema = optimizer.average();
  return state;
}

StartingPoint restore(const TrainConfig& config, const RunFolder& run, const Parameters& parameters,
                      const Optimizer& optimizer, Loader& loader, Group& group) {
  std::optional<std::filesystem::path> commit;
  if (config.train.resume == TrainConfig::Resume::kAuto)
    commit = prepare_resume(run.checkpoints(), group);
  if (commit) {
    const CheckpointReader reader(*commit);
    TrainState state = state_of(parameters, optimizer);
    load_checkpoint(reader, state);
    parameters.round_to_compute(0, parameters.flat_size());
    loader.restore(state.loader_position.get<LoaderPosition>());
    log_info("going on after step {} of {}", state.step, commit->string());
    return {.step = state.step,
            .committed = state.step,
            .train_seconds = state.extra.value("train_seconds", 0.0)};
  }
  if (!config.train.init_from.empty()) {
    const std::filesystem::path from = resolve_commit(config.train.init_from, group);
    const CheckpointReader reader(from);
    load_weights(reader, parameters,
                 reader.manifest().has(StateKind::kEma) ? StateKind::kEma : StateKind::kMaster);
    optimizer.restart_average();
    log_info("weights from {}", from.string());
  }
  return {};
}

}  // namespace muybridge
