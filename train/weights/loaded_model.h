#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/dit.h"
#include "parallel/mesh.h"
#include "train/checkpoint/catalogue.h"
#include "train/config.h"
#include "train/unread_keys.h"
#include "train/weights/exported_model.h"

namespace muybridge {

// Which weights of a commit: the averaged ones where there are any, or what the user named.
enum class WeightsChoice : std::uint8_t { kBest, kAveraged, kRaw };

// Where a model comes from, and how it is used.
struct ModelSource {
  std::filesystem::path path;          // a run's folder, a commit or a file of `checkpoint export`
  std::vector<std::string> overrides;  // "a.b=c": of the configuration kept there
  KeyReader reader;                    // what the command reads of it
  WeightsChoice choice = WeightsChoice::kBest;
};

// A model as a commit or an exported file holds it, built from the configuration kept there, in a
// layout of its own: that of the training says nothing here, parallel.* of the overrides does. It
// computes and is not trained (Parameters::freeze).
struct LoadedModel {
  TrainConfig config;
  Mesh mesh;
  Parameters parameters;  // what this rank holds
  Dit dit;
  std::int64_t parameter_count = 0;  // of the whole

  // Known once it is loaded:
  std::filesystem::path origin;  // the commit's folder, or the file
  std::int64_t step = 0;
  std::string hash;     // of the commit's manifest, or of the file
  std::string weights;  // "ema" or "raw"

  // Allocates nothing. Throws Error(kUsage) for overrides that the command does not read, and for a
  // layout that cannot be. Collective, as all of it.
  LoadedModel(const ModelSource& source, const std::shared_ptr<Group>& world);

  // Reads the weights. The run may be training: a commit that it removes meanwhile gives way to its
  // next. Throws Error(kUsage) where the weights asked for are not there.
  void load();

 private:
  struct Opened {
    std::optional<ExportedModel> file;
    std::filesystem::path commit;  // where it is no file
    TrainConfig config;
  };
  static Opened open(const ModelSource& source, Group& group);
  LoadedModel(ModelSource source, const std::shared_ptr<Group>& world, Opened opened);
  void load_commit();
  void load_file();

  ModelSource source_;
  std::optional<ExportedModel> file_;
  std::filesystem::path commit_;
  Catalogue catalogue_;  // of the whole
};

}  // namespace muybridge
