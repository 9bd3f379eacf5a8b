#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/dit.h"
#include "parallel/group.h"
#include "train/config.h"

namespace muybridge {

// Which weights of a commit: the averaged ones where there are any, or what the user named.
enum class WeightsChoice : std::uint8_t { kBest, kAveraged, kRaw };

// A model as a commit or an exported file holds it, ready to compute: built from the configuration
// kept there.
struct LoadedModel {
  std::filesystem::path origin;  // the commit's folder, or the file
  TrainConfig config;
  std::int64_t step = 0;
  std::string hash;     // of the commit's manifest, or of the file
  std::string weights;  // "ema" or "raw"
  Parameters parameters;
  Dit dit;

  // `path` is a run's folder, a commit or a file of `checkpoint export`. `overrides` ("a.b=c")
  // change what `evaluate` reads of a commit's configuration. The run may be training: a commit
  // that it removes meanwhile gives way to its next. Throws Error(kUsage) where the weights asked
  // for are not there, and for other overrides. Collective.
  LoadedModel(const std::filesystem::path& path, const std::vector<std::string>& overrides,
              Group& group, WeightsChoice choice = WeightsChoice::kBest);

 private:
  struct Source;
  explicit LoadedModel(const Source& source);
  void load_commit(const std::filesystem::path& path, Group& group, WeightsChoice choice);
};

}  // namespace muybridge
