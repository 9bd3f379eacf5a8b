#include "train/resume.h"

#include "core/log.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/fingerprint.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

TrainState state_of(const TrainedModel& model) {
  TrainState state;
  state.parameters = &model.parameters;
  state.master = model.parameters.master();
  state.momentum = model.optimizer.momentum();
  state.variance = model.optimizer.variance();
  state.ema = model.optimizer.average();
  return state;
}

StartingPoint go_on(const TrainConfig& config, const fs::path& commit, const std::string& corpus,
                    const TrainedModel& model, const Group& group) {
  const CheckpointReader reader(commit);
  require_same_run(reader.manifest(), commit, config, corpus, group);
  TrainState state = state_of(model);
  load_checkpoint(reader, state);
  model.parameters.round_to_compute(0, model.parameters.flat_size());
  model.loader.restore(state.loader_position.get<LoaderPosition>());
  log_info("going on after step {} of {}", state.step, commit.string());
  if (!config.train.init_from.empty())
    log_info("train.init_from = {} was where the run began; it is not used again",
             config.train.init_from);
  if (state.step > config.train.steps && group.rank() == 0)
    log_warning("the run has done {} steps already; train.steps = {} leaves nothing to do",
                state.step, config.train.steps);
  return {.step = state.step,
          .committed = state.step,
          .train_seconds = state.extra.value("train_seconds", 0.0),
          .metrics = state.extra.value("metrics", nlohmann::json())};
}

void begin_with_weights(const TrainConfig& config, const TrainedModel& model, Group& group) {
  const fs::path commit = resolve_commit(config.train.init_from, group);
  const CheckpointReader reader(commit);
  require_same_model(reader.manifest(), commit, config, group);
  load_weights(reader, model.parameters,
               reader.manifest().has(StateKind::kEma) ? StateKind::kEma : StateKind::kMaster);
  model.optimizer.restart_average();
  log_info("weights from {}", commit.string());
}

}  // namespace

StartingPoint restore(const TrainConfig& config, const RunFolder& run, const std::string& corpus,
                      const TrainedModel& model, Group& group) {
  if (const auto commit = prepare_resume(run.checkpoints(), group))
    return go_on(config, *commit, corpus, model, group);
  if (!config.train.init_from.empty()) begin_with_weights(config, model, group);
  return {};
}

void commit_run(const TrainConfig& config, const RunFolder& run, const StepMetrics& last,
                double train_seconds, const TrainedModel& model, Group& group) {
  TrainState state = state_of(model);
  state.owned = even_share(model.parameters.flat_size(), group.rank(), group.size());
  state.step = last.step;
  state.seed = static_cast<std::uint64_t>(config.train.seed);
  state.loader_position = model.loader.position();
  state.extra = {{"train_seconds", train_seconds}, {"metrics", to_json(last)}};
  state.config = to_yaml(config);
  save_checkpoint(run.checkpoints(), state, group, config.train.keep_checkpoints);
}

}  // namespace muybridge
