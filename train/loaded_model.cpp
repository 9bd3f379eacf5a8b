#include "train/loaded_model.h"

#include <optional>

#include "core/error.h"
#include "core/file.h"
#include "train/checkpoint.h"
#include "train/checkpoint_folder.h"
#include "train/exported_model.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

StateKind choose(const Manifest& manifest, WeightsChoice choice,
                 const std::filesystem::path& path) {
  const bool averaged = manifest.has(StateKind::kEma);
  if (choice == WeightsChoice::kAveraged && !averaged)
    fail(ExitCode::kUsage, "{} has no averaged weights; ask for --raw", path.string());
  return averaged && choice != WeightsChoice::kRaw ? StateKind::kEma : StateKind::kMaster;
}

void require_choice(const ExportedModel& file, WeightsChoice choice,
                    const std::filesystem::path& path) {
  const char* wanted = choice == WeightsChoice::kRaw ? "raw" : "ema";
  if (choice != WeightsChoice::kBest && file.weights() != wanted)
    fail(ExitCode::kUsage, "{} holds the weights '{}'; leave --{} away, or export the others",
         path.string(), file.weights(), wanted);
}

}  // namespace

// Either a commit or a file.
struct LoadedModel::Origin {
  std::filesystem::path path;
  std::optional<CheckpointReader> commit;
  std::optional<ExportedModel> file;
  StateKind kind = StateKind::kMaster;
  TrainConfig config;

  Origin(const std::filesystem::path& where, const std::vector<std::string>& overrides,
         Group& group, WeightsChoice choice)
      : path(where) {
    if (std::filesystem::is_regular_file(where)) {
      file.emplace(where, overrides);
      require_choice(*file, choice, where);
      config = file->config();
      return;
    }
    path = resolve_commit(where, group);
    commit.emplace(path);
    kind = choose(commit->manifest(), choice, path);
    config =
        parse_train_config(commit->manifest().config, (path / "manifest.json").string(), overrides);
  }
};

LoadedModel::LoadedModel(const std::filesystem::path& path,
                         const std::vector<std::string>& overrides, Group& group,
                         WeightsChoice choice)
    : LoadedModel(Origin(path, overrides, group, choice)) {}

LoadedModel::LoadedModel(const Origin& source)
    : origin(source.path),
      config(source.config),
      step(source.file ? source.file->step() : source.commit->manifest().step),
      hash(hash_file(source.file ? origin : origin / "manifest.json")),
      weights(source.file ? source.file->weights() : weights_name(source.kind)),
      dit(parameters, dit_options(config)) {
  if (source.file) source.file->require_tensors_of(parameters);
  parameters.allocate(compute_dtype(config), static_cast<std::uint64_t>(config.train.seed));
  if (source.file)
    source.file->load(parameters);
  else
    load_weights(*source.commit, parameters, source.kind);
}

}  // namespace muybridge
