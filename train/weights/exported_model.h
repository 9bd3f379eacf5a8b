#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/dit.h"
#include "model/safetensors.h"
#include "train/checkpoint/checkpoint_format.h"
#include "train/config.h"

// A file of weights says itself what model they are of: its metadata hold the configuration, as
// much of it as sampling needs, so that `sample` can run the file alone.
namespace muybridge {

// "ema" or "raw", as metadata and options name the two kinds of weights.
std::string weights_name(StateKind kind);

// The entries for a model trained with `config`. Its paths, prompts and devices stay at home.
SafetensorsMetadata export_metadata(const TrainConfig& config, StateKind kind, std::int64_t step,
                                    const std::string& version);

// Why programs that load Wan2.1 in diffusers' form cannot run such a model, a reason an entry;
// empty where nothing speaks against it.
std::vector<std::string> foreign_to_wan(const TrainConfig& config);

// A file that `checkpoint export` wrote.
class ExportedModel {
 public:
  // Throws Error(kIo) when it cannot be read, Error(kUsage) when it does not say what it is, and
  // Error(kCorrupt) when what it says is no model.
  explicit ExportedModel(const std::filesystem::path& path);

  const TrainConfig& config() const { return config_; }
  std::int64_t step() const { return step_; }
  const std::string& weights() const { return weights_; }

  // Throws Error(kCorrupt) unless the file holds the tensors of these parameters and no others, all
  // of their shapes; before this, nothing may be allocated by what the file says.
  void require_tensors_of(const Parameters& parameters) const;
  // Fills parameters, which are allocated.
  void load(const Parameters& parameters) const;

 private:
  std::filesystem::path path_;
  SafetensorsReader file_;
  TrainConfig config_;
  std::int64_t step_ = 0;
  std::string weights_;
};

}  // namespace muybridge
