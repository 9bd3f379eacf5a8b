#include "train/weights/loaded_model.h"

#include <optional>

#include "core/error.h"
#include "core/system/file.h"
#include "parallel/together.h"
#include "train/checkpoint/checkpoint.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/model_options.h"
#include "train/unread_keys.h"
#include "train/weights/exported_model.h"

namespace muybridge {
namespace {

// Runs `work` with a commit that `path` means, and with the next one where the run that is training
// there removed that meanwhile.
template <class Work>
void with_commit(const std::filesystem::path& path, Group& group, const Work& work) {
  for (;;) {
    const std::filesystem::path commit = resolve_commit(path, group);
    try {
      together(group, [&] {
        work(commit);
        return std::string();
      });
      return;
    } catch (const Error&) {
      const std::string gone =
          rank_zero(group, [&] { return std::string(was_removed(commit) ? "gone" : ""); });
      if (gone.empty()) throw;
    }
  }
}

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

// The configuration of a commit, which is that of all of its run, or an exported file.
struct LoadedModel::Source {
  std::optional<ExportedModel> file;
  TrainConfig config;

  Source(const std::filesystem::path& path, const std::vector<std::string>& overrides, Group& group,
         WeightsChoice choice) {
    if (std::filesystem::is_regular_file(path)) {
      file.emplace(path);
      require_choice(*file, choice, path);
      config = file->config();
      return;
    }
    std::string text, name;
    with_commit(path, group, [&](const std::filesystem::path& commit) {
      text = read_manifest(commit).config;
      name = (commit / "manifest.json").string();
    });
    config = parse_train_config(text, name, overrides);
    if (!overrides.empty())
      refuse_unread_keys(keys_of_evaluate(), parse_train_config(text, name), config);
  }
};

LoadedModel::LoadedModel(const std::filesystem::path& path,
                         const std::vector<std::string>& overrides, Group& group,
                         WeightsChoice choice)
    : LoadedModel(Source(path, overrides, group, choice)) {
  if (weights.empty())
    load_commit(path, group, choice);
  else
    hash = hash_file(origin = path);
}

LoadedModel::LoadedModel(const Source& source)
    : config(source.config), dit(parameters, dit_options(config)) {
  if (source.file) source.file->require_tensors_of(parameters);
  parameters.allocate(compute_dtype(config), static_cast<std::uint64_t>(config.train.seed));
  if (!source.file) return;
  source.file->load(parameters);
  step = source.file->step();
  weights = source.file->weights();
}

void LoadedModel::load_commit(const std::filesystem::path& path, Group& group,
                              WeightsChoice choice) {
  with_commit(path, group, [&](const std::filesystem::path& commit) {
    const CheckpointReader reader(commit);
    const StateKind kind = choose(reader.manifest(), choice, commit);
    load_weights(reader, parameters, kind);
    origin = commit;
    step = reader.manifest().step;
    hash = hash_file(commit / "manifest.json");
    weights = weights_name(kind);
  });
}

}  // namespace muybridge
