#include "train/resume.h"

#include "core/log.h"
#include "parallel/together.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/fingerprint.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// The flat tensors of the state, each of which every rank holds whole.
std::vector<FlatTensor> tensors_of(const TrainedModel& model) {
  return {{StateKind::kMaster, model.parameters.master()},
          {StateKind::kMomentum, model.optimizer.momentum()},
          {StateKind::kVariance, model.optimizer.variance()},
          {StateKind::kEma, model.optimizer.average()}};
}

// The ranks that hold the same parameters.
CopiesGroup copies_of(const TrainedModel& model) {
  return [&mesh = model.mesh](int copies) -> Group& {
    return *mesh.copies()[static_cast<std::size_t>(copies)];
  };
}

// What this rank writes, and reads before the ranks tell each other.
std::vector<StatePiece> share_of(const TrainedModel& model) {
  const FlatRanges mine = shared_out(model.parameters, copies_of(model));
  std::vector<StatePiece> pieces;
  for (const FlatTensor& tensor : tensors_of(model))
    for (StatePiece& piece : state_pieces(model.parameters, tensor, mine))
      pieces.push_back(std::move(piece));
  return pieces;
}

// On all ranks or none.
void fill(const CheckpointReader& reader, TrainState& state, Group& group) {
  together(group, [&] {
    load_checkpoint(reader, state);
    return std::string();
  });
}

StartingPoint go_on(const TrainConfig& config, const fs::path& commit, const std::string& corpus,
                    const TrainedModel& model, Group& group) {
  const CheckpointReader reader(commit);
  require_same_run(reader.manifest(), commit, config, corpus, group);
  TrainState state{.catalogue = merged(catalogue_of(model.parameters), group),
                   .pieces = share_of(model)};
  fill(reader, state, group);
  for (const FlatTensor& tensor : tensors_of(model))
    spread_shares(model.parameters, tensor.elements, copies_of(model));
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
  const Parameters& parameters = model.parameters;
  const FlatTensor weights{
      reader.manifest().has(StateKind::kEma) ? StateKind::kEma : StateKind::kMaster,
      parameters.master()};
  TrainState state{
      .catalogue = merged(catalogue_of(parameters), group),
      .pieces = state_pieces(parameters, weights, shared_out(parameters, copies_of(model)))};
  fill(reader, state, group);
  spread_shares(parameters, parameters.master(), copies_of(model));
  parameters.round_to_compute(0, parameters.flat_size());
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

CommitterOptions committer_options(const TrainConfig& config, const RunFolder& run,
                                   int ranks_here) {
  return {.checkpoints = run.checkpoints(),
          .keep = config.train.keep_checkpoints,
          .behind = config.train.commit == TrainConfig::Commit::kBehind,
          .ranks_here = ranks_here};
}

void commit_run(Committer& committer, const TrainConfig& config, const StepMetrics& last,
                double train_seconds, const TrainedModel& model, Group& group) {
  TrainState state{.catalogue = catalogue_of(model.parameters), .pieces = share_of(model)};
  if (group.size() > 1) state.weights = hash_weights(model.parameters, model.parameters.master());
  state.step = last.step;
  state.seed = static_cast<std::uint64_t>(config.train.seed);
  state.loader_position = model.loader.position();
  state.extra = {{"train_seconds", train_seconds}, {"metrics", to_json(last)}};
  state.config = to_yaml(config);
  committer.commit(state);
}

}  // namespace muybridge
