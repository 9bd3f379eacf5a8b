#include "train/weights/exported_model.h"

#include <fmt/format.h>

#include "config/values.h"
#include "core/error.h"
#include "model/wan_names.h"
#include "train/load_config.h"
#include "train/model_options.h"
#include "train/weights/checkpoint_export.h"

namespace muybridge {
namespace {

constexpr const char* kConfig = "muybridge_config";
constexpr const char* kStep = "muybridge_step";
constexpr const char* kWeights = "muybridge_weights";
constexpr std::size_t kMostConfigBytes = 1 << 16;

// What a model is and how it is sampled; the rest of a configuration is about one user's machine.
TrainConfig without_private_parts(const TrainConfig& config) {
  TrainConfig open;
  open.run.name = config.run.name;
  open.data.train = "exported";
  open.data.max_caption_bytes = config.data.max_caption_bytes;
  open.model = config.model;
  open.autoencoder = config.autoencoder;
  open.flow = config.flow;
  open.batch.tokens = config.batch.tokens;
  open.train.steps = config.train.steps;
  open.train.precision = config.train.precision;
  open.train.linear = config.train.linear;
  open.eval = config.eval;
  open.eval.prompts = {};
  return open;
}

const std::string& entry(const SafetensorsReader& file, const char* key,
                         const std::filesystem::path& path) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end())
    fail(ExitCode::kUsage,
         "{}: its metadata have no {}, so what model it holds is unknown; write it with 'muybridge "
         "checkpoint export' of this version",
         path.string(), key);
  return found->second;
}

TrainConfig read_config(const SafetensorsReader& file, const std::filesystem::path& path) {
  const std::string& text = entry(file, kConfig, path);
  if (text.size() > kMostConfigBytes)
    fail(ExitCode::kCorrupt, "{}: {} is {} bytes long; {} are allowed", path.string(), kConfig,
         text.size(), kMostConfigBytes);
  try {
    return parse_train_config(text, path.string() + " " + kConfig);
  } catch (const Error& error) {
    fail(ExitCode::kCorrupt, "{}", error.what());
  }
}

std::int64_t read_step(const SafetensorsReader& file, const std::filesystem::path& path) {
  std::string reason;
  const std::optional<std::int64_t> step = parse_whole(entry(file, kStep, path), reason);
  if (!step || *step < 0)
    fail(ExitCode::kCorrupt, "{}: {}: {}", path.string(), kStep,
         reason.empty() ? "a step is not negative" : reason);
  return *step;
}

std::string read_weights(const SafetensorsReader& file, const std::filesystem::path& path) {
  const std::string& kind = entry(file, kWeights, path);
  if (kind != "ema" && kind != "raw")
    fail(ExitCode::kCorrupt, "{}: {} must be ema or raw", path.string(), kWeights);
  return kind;
}

}  // namespace

std::string weights_name(StateKind kind) { return kind == StateKind::kEma ? "ema" : "raw"; }

SafetensorsMetadata export_metadata(const TrainConfig& config, StateKind kind, std::int64_t step,
                                    const std::string& version) {
  const TrainConfig::Model& model = config.model;
  const TrainConfig::Eval& eval = config.eval;
  SafetensorsMetadata metadata = {{kConfig, to_yaml(without_private_parts(config))},
                                  {kStep, std::to_string(step)},
                                  {kWeights, weights_name(kind)},
                                  {"muybridge_version", version}};
  if (is_autoencoder(config)) return metadata;
  metadata.insert(
      {// For people and for other programs; ours reads the configuration.
       {"muybridge_prediction",
        model.prediction == TrainConfig::Prediction::kClean ? "clean" : "velocity"},
       {"muybridge_patch", fmt::format("{}x{}x{}", model.patch[0], model.patch[1], model.patch[2])},
       {"muybridge_positions", model.sine_positions ? "rotary, sines added" : "rotary"},
       {"muybridge_text_encoder", "bytes of UTF-8, trained along"},
       {"muybridge_clips",
        fmt::format("{} frames of {} at {:g} fps", eval.frames, to_text(eval.size), eval.fps)}});
  return metadata;
}

std::vector<std::string> foreign_to_wan(const TrainConfig& config) {
  const TrainConfig::Model& model = config.model;
  std::vector<std::string> reasons = {
      "the prompt goes through a text encoder of bytes that is part of the model (text_encoder.*), "
      "not through UMT5"};
  if (model.prediction == TrainConfig::Prediction::kClean)
    reasons.emplace_back("the head predicts the clean clip, not the velocity");
  if (model.sine_positions) reasons.emplace_back("sines of the place are added to the patches");
  if (model.channels != 16)
    reasons.push_back(
        fmt::format("it makes {} channels, not the 16 of Wan's autoencoder", model.channels));
  if (model.patch != std::array<int, 3>{1, 2, 2})
    reasons.push_back(fmt::format("its patch is {}x{}x{}, Wan's is 1x2x2", model.patch[0],
                                  model.patch[1], model.patch[2]));
  return reasons;
}

ExportedModel::ExportedModel(const std::filesystem::path& path)
    : path_(path),
      file_(path),
      config_(read_config(file_, path)),
      step_(read_step(file_, path)),
      weights_(read_weights(file_, path)) {}

void ExportedModel::require_tensors_of(const Parameters& parameters) const {
  const Grid patch = dit_options(config_).patch;
  std::size_t expected = 0;
  for (const Parameter& parameter : parameters.list())
    for (const WanPart& part : wan_parts(parameter.spec.name, parameter.spec.shape, patch)) {
      ++expected;
      const SafetensorsEntry* found = file_.find(part.name);
      if (found == nullptr)
        fail(ExitCode::kCorrupt, "{}: the tensor {} of its model is missing", path_.string(),
             part.name);
      if (Shape(std::span<const std::int64_t>(found->shape)
                    .first(std::min<std::size_t>(found->shape.size(), Shape::kMaxRank))) !=
              part.shape ||
          found->shape.size() != part.shape.extents().size())
        fail(ExitCode::kCorrupt, "{}: the tensor {} is [{}], its model has {}", path_.string(),
             part.name, fmt::join(found->shape, ", "), part.shape);
    }
  if (expected != file_.entries().size())
    fail(ExitCode::kCorrupt, "{}: it holds {} tensors, its model has {}", path_.string(),
         file_.entries().size(), expected);
}

void ExportedModel::load(const Parameters& parameters) const {
  import_weights(file_, dit_options(config_).patch, parameters);
}

}  // namespace muybridge
