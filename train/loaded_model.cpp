#include "train/loaded_model.h"

#include "core/error.h"
#include "core/file.h"
#include "parallel/together.h"
#include "train/checkpoint.h"
#include "train/checkpoint_folder.h"
#include "train/model_options.h"

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

}  // namespace

// The configuration of a commit, which is that of all of its run.
struct LoadedModel::Origin {
  Manifest manifest;
  std::string name;  // for messages

  Origin(const std::filesystem::path& path, Group& group) {
    with_commit(path, group, [&](const std::filesystem::path& commit) {
      manifest = read_manifest(commit);
      name = (commit / "manifest.json").string();
    });
  }
};

LoadedModel::LoadedModel(const std::filesystem::path& path,
                         const std::vector<std::string>& overrides, Group& group, bool raw)
    : LoadedModel(Origin(path, group), overrides) {
  with_commit(path, group, [&](const std::filesystem::path& from) {
    const CheckpointReader reader(from);
    commit = from;
    step = reader.manifest().step;
    manifest_hash = hash_file(from / "manifest.json");
    const bool averaged = !raw && reader.manifest().has(StateKind::kEma);
    load_weights(reader, parameters, averaged ? StateKind::kEma : StateKind::kMaster);
  });
}

LoadedModel::LoadedModel(const Origin& origin, const std::vector<std::string>& overrides)
    : config(parse_train_config(origin.manifest.config, origin.name, overrides)),
      dit(parameters, dit_options(config)) {
  parameters.allocate(compute_dtype(config), static_cast<std::uint64_t>(config.train.seed));
}

}  // namespace muybridge
