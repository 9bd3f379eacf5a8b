#include "train/records/metrics.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

// The line's step; nothing for a line that is not one of ours.
std::optional<std::int64_t> step_of(std::string_view line) {
  const nlohmann::json object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return std::nullopt;
  const auto step = object.find("step");
  if (step == object.end() || !step->is_number_integer()) return std::nullopt;
  return step->get<std::int64_t>();
}

struct Kept {
  std::string lines;
  std::int64_t last_step = 0;
  int unreadable = 0;  // lines that were none
};

Kept keep_until(const std::string& content, std::int64_t step) {
  Kept kept;
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = content.find('\n', begin);
    if (end == std::string::npos) break;  // cut short
    const std::string_view line(content.data() + begin, end - begin);
    const std::optional<std::int64_t> line_step = step_of(line);
    if (!line_step) ++kept.unreadable;
    if (line_step && *line_step <= step) {
      kept.lines.append(line).append("\n");
      kept.last_step = *line_step;
    }
    begin = end + 1;
  }
  return kept;
}

}  // namespace

nlohmann::ordered_json to_json(const StepMetrics& metrics) {
  nlohmann::ordered_json line = {
      {"step", metrics.step},           {"loss", metrics.loss},
      {"grad_norm", metrics.grad_norm}, {"learning_rate", metrics.learning_rate},
      {"tokens", metrics.tokens},       {"seconds", metrics.seconds},
      {"tflops", metrics.tflops},       {"data_wait", metrics.data_wait}};
  line.update(metrics.extra);
  return line;
}

StepMetrics step_metrics_from(const nlohmann::json& line) {
  const auto number = [&](const char* key) {  // null: it was not finite
    return line.at(key).is_null() ? std::nan("") : line.at(key).get<double>();
  };
  StepMetrics metrics{.step = line.at("step"),
                      .loss = number("loss"),
                      .grad_norm = number("grad_norm"),
                      .learning_rate = number("learning_rate"),
                      .tokens = line.at("tokens"),
                      .seconds = number("seconds"),
                      .tflops = number("tflops"),
                      .data_wait = number("data_wait")};
  const nlohmann::ordered_json known = to_json(metrics);
  for (const auto& [key, value] : line.items())
    if (!known.contains(key)) metrics.extra[key] = value;
  return metrics;
}

MetricsLog::MetricsLog(const std::filesystem::path& path, std::int64_t step) : path_(path) {
  if (!std::filesystem::exists(path)) {
    write_file_durably(path, "");
    return;
  }
  const std::string content = read_file(path);
  const Kept kept = keep_until(content, step);
  if (kept.unreadable > 0)
    log_warning("{}: {} no metrics and {} gone", path.string(),
                kept.unreadable == 1 ? "1 line was" : fmt::format("{} lines were", kept.unreadable),
                kept.unreadable == 1 ? "is" : "are");
  if (kept.lines != content) write_file_durably(path, kept.lines);
  last_step_ = kept.last_step;
}

void MetricsLog::append(const nlohmann::ordered_json& line) {
  if (!line.contains("step")) throw std::invalid_argument("metrics: a line without a step");
  append_line(path_, line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  last_step_ = line.at("step").get<std::int64_t>();
}

void MetricsLog::sync() const { sync_path(path_); }

}  // namespace muybridge
