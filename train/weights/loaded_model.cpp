#include "train/weights/loaded_model.h"

#include <utility>

#include "core/error.h"
#include "core/system/file.h"
#include "model/dit_parallel.h"
#include "parallel/together.h"
#include "train/checkpoint/checkpoint.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/load_config.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

// Runs `work` with a commit that `path` means, `first` where that is known, and with the next one
// where the run that is training there removed that meanwhile.
template <class Work>
void with_commit(const std::filesystem::path& path, Group& group, const Work& work,
                 const std::filesystem::path& first = {}) {
  for (std::filesystem::path commit = first;; commit.clear()) {
    if (commit.empty()) commit = resolve_commit(path, group);
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

// A commit's configuration is that of all of its run.
LoadedModel::Opened LoadedModel::open(const ModelSource& source, Group& group) {
  Opened opened;
  std::string name = source.path.string();
  const std::string is_file = rank_zero(group, [&] {
    return std::string(std::filesystem::is_regular_file(source.path) ? "yes" : "");
  });
  if (!is_file.empty()) {
    together(group, [&] {
      opened.file.emplace(source.path);
      require_choice(*opened.file, source.choice, source.path);
      opened.config = opened.file->config();
      return std::string();
    });
  } else {
    std::string text;
    with_commit(source.path, group, [&](const std::filesystem::path& commit) {
      text = read_manifest(commit).config;
      name = (commit / "manifest.json").string();
      opened.commit = commit;
    });
    opened.config = parse_train_config(text, name);
  }
  require_dit(opened.config, source.reader.command);
  opened.config.parallel = {};
  if (source.overrides.empty()) return opened;
  const TrainConfig kept = opened.config;
  opened.config = parse_train_config(to_yaml(kept), name, source.overrides);
  refuse_unread_keys(source.reader, kept, opened.config);
  return opened;
}

LoadedModel::LoadedModel(const ModelSource& source, const std::shared_ptr<Group>& world)
    : LoadedModel(source, world, open(source, *world)) {}

LoadedModel::LoadedModel(ModelSource source, const std::shared_ptr<Group>& world, Opened opened)
    : config(std::move(opened.config)),
      mesh(mesh_sizes(config), world),
      dit(make_dit(parameters, dit_options(config), mesh, placement_of(config))),
      source_(std::move(source)),
      file_(std::move(opened.file)),
      commit_(std::move(opened.commit)) {
  Parameters whole;
  const Dit all(whole, dit_options(config));
  parameter_count = whole.count();
  catalogue_ = catalogue_of(whole);
  if (file_) file_->require_tensors_of(whole);
  parameters.freeze();
}

void LoadedModel::load() {
  parameters.allocate(compute_dtype(config), /*seed=*/0, device_of(config));
  if (file_)
    load_file();
  else
    load_commit();
}

void LoadedModel::load_file() {
  Group& group = *mesh.world();
  origin = source_.path;
  step = file_->step();
  weights = file_->weights();
  hash = rank_zero(group, [&] { return hash_file(origin); });
  together(group, [&] {
    file_->load(parameters);
    return std::string();
  });
}

void LoadedModel::load_commit() {
  with_commit(
      source_.path, *mesh.world(),
      [&](const std::filesystem::path& commit) {
        const CheckpointReader reader(commit);
        const StateKind kind = choose(reader.manifest(), source_.choice, commit);
        load_weights(reader, catalogue_, parameters, kind);
        origin = commit;
        step = reader.manifest().step;
        hash = hash_file(commit / "manifest.json");
        weights = weights_name(kind);
      },
      commit_);
}

}  // namespace muybridge
