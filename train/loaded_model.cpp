#include "train/loaded_model.h"

#include "core/file.h"
#include "train/checkpoint.h"
#include "train/checkpoint_folder.h"
#include "train/model_options.h"

namespace muybridge {

struct LoadedModel::Origin {
  std::filesystem::path commit;
  CheckpointReader reader;

  Origin(const std::filesystem::path& path, Group& group)
      : commit(resolve_commit(path, group)), reader(commit) {}
};

LoadedModel::LoadedModel(const std::filesystem::path& path,
                         const std::vector<std::string>& overrides, Group& group, bool raw)
    : LoadedModel(Origin(path, group), overrides, raw) {}

LoadedModel::LoadedModel(const Origin& origin, const std::vector<std::string>& overrides, bool raw)
    : commit(origin.commit),
      config(parse_train_config(origin.reader.manifest().config,
                                (origin.commit / "manifest.json").string(), overrides)),
      step(origin.reader.manifest().step),
      manifest_hash(hash_file(origin.commit / "manifest.json")),
      dit(parameters, dit_options(config)) {
  const bool averaged = !raw && origin.reader.manifest().has(StateKind::kEma);
  parameters.allocate(compute_dtype(config), static_cast<std::uint64_t>(config.train.seed));
  load_weights(origin.reader, parameters, averaged ? StateKind::kEma : StateKind::kMaster);
}

}  // namespace muybridge
