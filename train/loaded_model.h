#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/dit.h"
#include "parallel/group.h"
#include "train/config.h"

namespace muybridge {

// A model as a commit holds it, ready to compute: built from the configuration kept there.
struct LoadedModel {
  std::filesystem::path commit;
  TrainConfig config;
  std::int64_t step = 0;
  std::string manifest_hash;
  Parameters parameters;
  Dit dit;

  // `path` is a run's folder or a commit; `overrides` ("a.b=c") change its configuration. Uses the
  // averaged weights where there are any, unless `raw`. The run may be training: a commit that it
  // removes meanwhile gives way to its next. Collective.
  LoadedModel(const std::filesystem::path& path, const std::vector<std::string>& overrides,
              Group& group, bool raw = false);

 private:
  struct Origin;
  LoadedModel(const Origin& origin, const std::vector<std::string>& overrides);
};

}  // namespace muybridge
