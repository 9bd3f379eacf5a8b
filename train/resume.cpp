#include "train/resume.h"

#include "core/log.h"
#include "parallel/together.h"
#include "parallel/zero/sharing.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/fingerprint.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

bool is_shared(const TrainedModel& model) {
  return model.parameters.sharing() != Sharing::kNothing;
}

FlatTensor flat_tensor(const TrainedModel& model, StateKind kind, const Tensor& elements) {
  if (!is_shared(model)) return {kind, elements};
  return {kind, elements, model.parameters.held()};
}

// The tensors of the state.
std::vector<FlatTensor> tensors_of(const TrainedModel& model) {
  return {flat_tensor(model, StateKind::kMaster, model.parameters.master()),
          flat_tensor(model, StateKind::kMomentum, model.optimizer.momentum()),
          flat_tensor(model, StateKind::kVariance, model.optimizer.variance()),
          flat_tensor(model, StateKind::kEma, model.optimizer.average())};
}

// The ranks that hold the same parameters.
CopiesGroup copies_of(const TrainedModel& model) {
  return [&mesh = model.mesh](int copies) -> Group& {
    return *mesh.copies()[static_cast<std::size_t>(copies)];
  };
}

// The flat elements that this rank writes, and reads before the ranks tell each other: of what is
// held by several a share.
FlatRanges share_of_state(const TrainedModel& model) {
  return is_shared(model) ? model.parameters.held()
                          : shared_out(model.parameters, copies_of(model));
}

std::vector<StatePiece> share_of(const TrainedModel& model) {
  const FlatRanges mine = share_of_state(model);
  std::vector<StatePiece> pieces;
  for (const FlatTensor& tensor : tensors_of(model))
    for (StatePiece& piece : state_pieces(model.parameters, tensor, mine))
      pieces.push_back(std::move(piece));
  return pieces;
}

// After this rank has read its share of them into tensors of the state: the values of all.
void spread(const TrainedModel& model, const std::vector<FlatTensor>& read) {
  if (!is_shared(model))
    for (const FlatTensor& tensor : read)
      spread_shares(model.parameters, tensor.elements, copies_of(model));
  model.parameters.round_to_values(model.parameters.master());
  spread_values(model.parameters, model.mesh);
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
  spread(model, tensors_of(model));
  model.loader.restore(state.loader_position.get<LoaderPosition>());
  log_info("going on after step {} of {}", state.step, commit.string());
  if (!config.train.init_from.empty())
    log_info("train.init_from = {} was where the run began; it is not used again",
             config.train.init_from);
  if (state.step >= config.train.steps && group.rank() == 0)
    log_warning("the run has done {} steps already; train.steps = {} leaves nothing to train",
                state.step, config.train.steps);
  return {.step = state.step,
          .committed = state.step,
          .train_seconds = state.extra.value("train_seconds", 0.0),
          .metrics = state.extra.value("metrics", nlohmann::json())};
}

void begin_with_weights(const TrainConfig& config, const TrainedModel& model, Group& group) {
  const fs::path commit = require_origin(config, group);
  const CheckpointReader reader(commit);
  const Parameters& parameters = model.parameters;
  const FlatTensor weights = flat_tensor(
      model, reader.manifest().has(StateKind::kEma) ? StateKind::kEma : StateKind::kMaster,
      parameters.master());
  TrainState state{.catalogue = merged(catalogue_of(parameters), group),
                   .pieces = state_pieces(parameters, weights, share_of_state(model))};
  fill(reader, state, group);
  spread(model, {weights});
  model.optimizer.restart_average();
  log_info("weights from {}", commit.string());
}

}  // namespace

fs::path require_origin(const TrainConfig& config, Group& group) {
  const fs::path commit = resolve_commit(config.train.init_from, group);
  require_same_model(CheckpointReader(commit).manifest(), commit, config, group);
  return commit;
}

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
                double train_seconds, const TrainedModel& model) {
  TrainState state{.catalogue = catalogue_of(model.parameters), .pieces = share_of(model)};
  state.weights = hash_weights(model.parameters, model.mesh);
  state.step = last.step;
  state.seed = static_cast<std::uint64_t>(config.train.seed);
  state.loader_position = model.loader.position();
  state.extra = {{"train_seconds", train_seconds}, {"metrics", to_json(last)}};
  state.config = to_yaml(config);
  committer.commit(state);
}

}  // namespace muybridge
