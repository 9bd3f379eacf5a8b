#include "train/config_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/text/spelling.h"
#include "parallel/mesh.h"

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

void check_parallel(ConfigReader& reader, const TrainConfig& config) {
  const TrainConfig::Parallel& parallel = config.parallel;
  if (!axis_order_from(parallel.order))
    reader.refuse("parallel.order", fmt::format("'{}' is no order of the four axes, such as {}",
                                                parallel.order, to_string(kAxes)));
  const bool ring = parallel.context_method == TrainConfig::ContextMethod::kRing;
  if (ring && parallel.context == 1)
    reader.refuse("parallel.context_method",
                  "ring says how ranks share clips, but parallel.context is 1");
  else if (!ring && parallel.ring > 0)
    reader.refuse("parallel.ring", fmt::format("{} ranks form a ring, but parallel.context_method "
                                               "is ulysses",
                                               parallel.ring));
  else if (parallel.ring > 0 && parallel.context % parallel.ring != 0)
    reader.refuse("parallel.ring", fmt::format("{} does not divide parallel.context = {}",
                                               parallel.ring, parallel.context));
  if (parallel.pipeline > 1) return;
  if (parallel.schedule != TrainConfig::Parallel().schedule)
    reader.refuse("parallel.schedule",
                  fmt::format("{} says in which order stages work, but parallel.pipeline is 1",
                              to_string(parallel.schedule)));
  if (parallel.virtual_stages > 1)
    reader.refuse(
        "parallel.virtual_stages",
        fmt::format("{} parts of each stage, but parallel.pipeline is 1", parallel.virtual_stages));
}

}  // namespace

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
  check_model(reader, config.model);
  check_eval(reader, config);
  check_parallel(reader, config);
}

}  // namespace muybridge
