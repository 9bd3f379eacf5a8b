#include "train/load_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <span>
#include <string_view>

#include "config/reader.h"
#include "core/error.h"
#include "core/text/spelling.h"
#include "model/dit_parallel.h"
#include "parallel/mesh.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

bool is_file_name(const std::string& name) {
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 100 && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), fits);
}

void check_heads(ConfigReader& reader, const char* width_key, int width, const char* heads_key,
                 int heads) {
  if (width % heads != 0)
    return reader.refuse(heads_key,
                         fmt::format("{} heads do not divide {} = {}", heads, width_key, width));
  if (const int head = width / heads; head % 2 != 0)
    reader.refuse(heads_key, fmt::format("{} = {} over {} heads is {} a head, which must be even: "
                                         "positions turn pairs of numbers",
                                         width_key, width, heads, head));
}

void check_model(ConfigReader& reader, const TrainConfig::Model& model) {
  check_heads(reader, "model.width", model.width, "model.heads", model.heads);
  check_heads(reader, "model.text_width", model.text_width, "model.text_heads", model.text_heads);
  if (model.width % model.heads == 0 && model.width / model.heads < 6)
    reader.refuse("model.heads",
                  fmt::format("a head is {} wide; time, height and width each need 2",
                              model.width / model.heads));
}

// What only the other kind of model reads; "flow." stands for all of a section.
constexpr auto kOfDit = std::to_array<std::string_view>({"model.",
                                                         "flow.",
                                                         "data.max_caption_bytes",
                                                         "data.caption_drop",
                                                         "train.linear",
                                                         "eval.prompts",
                                                         "eval.steps",
                                                         "eval.solver",
                                                         "eval.guidance",
                                                         "eval.shift",
                                                         "eval.seed",
                                                         "eval.frames",
                                                         "eval.size",
                                                         "eval.fps",
                                                         "parallel.tensor",
                                                         "parallel.context",
                                                         "parallel.context_method",
                                                         "parallel.ring",
                                                         "parallel.pipeline",
                                                         "parallel.schedule",
                                                         "parallel.virtual_stages",
                                                         "parallel.order",
                                                         "optimizer.matrices",
                                                         "optimizer.matrix_rate",
                                                         "optimizer.momentum"});
constexpr auto kOfAutoencoder = std::to_array<std::string_view>({"autoencoder."});

void refuse_of_other_kind(ConfigReader& reader, const TrainConfig& config) {
  const bool autoencoder = is_autoencoder(config);
  const std::span<const std::string_view> unread =
      autoencoder ? std::span<const std::string_view>(kOfDit) : kOfAutoencoder;
  const std::vector<ConfigValue> values = values_of(config), defaults = values_of(TrainConfig{});
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string& key = values[i].key;
    const bool is_unread =
        key != "model.kind" && std::ranges::any_of(unread, [&](std::string_view each) {
          return each.ends_with('.') ? key.starts_with(each) : key == each;
        });
    if (is_unread && values[i].value != defaults[i].value)
      reader.refuse(key, autoencoder
                             ? "says nothing to an autoencoder (model.kind); leave it away"
                             : "says something to an autoencoder only: set model.kind=autoencoder");
  }
}

void check_autoencoder(ConfigReader& reader, const TrainConfig& config) {
  const auto steps = std::ssize(config.autoencoder.multiples) - 1;
  if (config.autoencoder.frame_halvings > steps)
    reader.refuse("autoencoder.frame_halvings",
                  fmt::format("{} levels have {} steps between them",
                              config.autoencoder.multiples.size(), steps));
  for (std::size_t level = 1; level < config.autoencoder.multiples.size(); ++level)
    if (config.autoencoder.width * config.autoencoder.multiples[level] % 2 != 0)
      reader.refuse(
          "autoencoder.width",
          fmt::format("{} x {} channels of level {}, which must be even: they are halved "
                      "on the way back",
                      config.autoencoder.width, config.autoencoder.multiples[level], level + 1));
  if (steps > 6)
    reader.refuse("autoencoder.multiples",
                  fmt::format("{} levels: a latent would stand for {} pixels of a side; at most 7",
                              steps + 1, std::int64_t{1} << std::min<std::int64_t>(steps, 62)));
  if (config.parallel.zero > 1)
    reader.refuse("parallel.zero",
                  "an autoencoder has no blocks whose gradients or weights come and go: 0 or 1");
}

void check_eval(ConfigReader& reader, const TrainConfig& config) {
  const auto& [frames, rows, columns] = config.model.patch;
  if (config.eval.frames > 1 && config.eval.frames % frames != 0)
    reader.refuse("eval.frames", fmt::format("{} frames are not a multiple of model.patch's {}",
                                             config.eval.frames, frames));
  if (config.eval.size.height % rows != 0 || config.eval.size.width % columns != 0)
    reader.refuse("eval.size",
                  fmt::format("{} is not a multiple of model.patch's {} columns x {} rows",
                              to_text(config.eval.size), columns, rows));
  const std::string& prompts = config.eval.prompts.text;
  const bool is_word = !prompts.empty() && prompts.find_first_of("./\\ ") == std::string::npos;
  if (is_word && prompts != "shapes" && prompts != "physics") {
    const std::string meant = nearest(prompts, {"shapes", "physics"});
    reader.refuse(
        "eval.prompts",
        fmt::format("'{}' is neither shapes, physics nor a file such as prompts.txt{}; a "
                    "single prompt is a list: [\"{}\"]",
                    prompts, meant.empty() ? "" : ", did you mean " + meant + "?", prompts));
  }
}

// Whether the model can be shared so; how many ranks there are is not known here.
void check_layout(ConfigReader& reader, const TrainConfig& config) {
  try {
    for (const auto& [key, reason] : layout_mistakes(dit_options(config), mesh_sizes(config),
                                                     placement_of(config), config.batch.tokens))
      reader.refuse(key, reason);
  } catch (const Error& error) {
    reader.refuse("parallel.virtual_stages", error.what());
  }
}

// One mistake after the other: what is behind it may follow from it.
void check_parallel(ConfigReader& reader, const TrainConfig& config) {
  const TrainConfig::Parallel& p = config.parallel;
  const bool ring = p.context_method == TrainConfig::ContextMethod::kRing;
  if (!axis_order_from(p.order))
    reader.refuse("parallel.order", fmt::format("'{}' is no order of the four axes, such as {}",
                                                p.order, to_string(kAxes)));
  if (ring && p.context == 1)
    reader.refuse("parallel.context_method",
                  "ring says how ranks share clips, but parallel.context is 1");
  else if (!ring && p.ring > 0)
    reader.refuse("parallel.ring", fmt::format("{} ranks form a ring, but parallel.context_method "
                                               "is ulysses",
                                               p.ring));
  else if (p.ring == 1)
    reader.refuse("parallel.ring",
                  "one rank is no ring: that is parallel.context_method = ulysses");
  else if (p.ring > 0 && p.context % p.ring != 0)
    reader.refuse("parallel.ring",
                  fmt::format("{} does not divide parallel.context = {}", p.ring, p.context));
  else if (p.pipeline == 1 && p.schedule != TrainConfig::Parallel().schedule)
    reader.refuse("parallel.schedule",
                  fmt::format("{} says in which order stages work, but parallel.pipeline is 1",
                              to_string(p.schedule)));
  else if (p.pipeline == 1 && p.virtual_stages > 1)
    reader.refuse(
        "parallel.virtual_stages",
        fmt::format("{} parts of each stage, but parallel.pipeline is 1", p.virtual_stages));
  else
    check_layout(reader, config);
}

void check_config(ConfigReader& reader, const TrainConfig& config) {
  if (!is_file_name(config.run.name))
    reader.refuse("run.name",
                  fmt::format("'{}' cannot name a folder; use letters, digits, '-', '_' and '.'",
                              config.run.name));
  if (config.data.train.empty())
    reader.refuse("data.train", "is empty; name a folder that 'muybridge prepare' wrote");
  if (config.optimizer.min_learning_rate > config.optimizer.learning_rate)
    reader.refuse("optimizer.min_learning_rate",
                  fmt::format("{} is above optimizer.learning_rate = {}",
                              config.optimizer.min_learning_rate, config.optimizer.learning_rate));
  if (is_autoencoder(config)) return check_autoencoder(reader, config);
  check_model(reader, config.model);
  check_eval(reader, config);
  check_parallel(reader, config);
}

// What was stored has a value for every key, and its defaults may be those of another version.
enum class Origin : std::uint8_t { kUser, kStored };

TrainConfig load(ConfigReader reader, Origin origin) {
  TrainConfig config;
  reader.fill(fields_of(config));
  if (origin == Origin::kUser) refuse_of_other_kind(reader, config);
  check_config(reader, config);
  reader.finish();
  return config;
}

}  // namespace

TrainConfig load_train_config(const std::filesystem::path& file,
                              const std::vector<std::string>& overrides) {
  return load(ConfigReader(file, overrides), Origin::kUser);
}

TrainConfig parse_train_config(const std::string& text, const std::string& source,
                               const std::vector<std::string>& overrides) {
  return load(ConfigReader::of_text(text, source, overrides), Origin::kStored);
}

}  // namespace muybridge
