#include "train/metrics.h"

#include <stdexcept>
#include <string>

#include "core/error.h"
#include "core/file.h"
#include "core/log.h"

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

std::string keep_until(const std::string& content, std::int64_t step, int& unreadable) {
  std::string kept;
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = content.find('\n', begin);
    if (end == std::string::npos) break;  // cut short
    const std::string_view line(content.data() + begin, end - begin);
    const std::optional<std::int64_t> line_step = step_of(line);
    if (!line_step) ++unreadable;
    if (line_step && *line_step <= step) kept.append(line).append("\n");
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

MetricsLog::MetricsLog(const std::filesystem::path& path, std::int64_t step) : path_(path) {
  if (!std::filesystem::exists(path)) {
    write_file_durably(path, "");
    return;
  }
  const std::string content = read_file(path);
  int unreadable = 0;
  const std::string kept = keep_until(content, step, unreadable);
  if (unreadable > 0)
    log_warning("{}: {} lines were no metrics and are gone", path.string(), unreadable);
  if (kept != content) write_file_durably(path, kept);
}

void MetricsLog::append(const nlohmann::ordered_json& line) const {
  if (!line.contains("step")) throw std::invalid_argument("metrics: a line without a step");
  append_line(path_, line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void MetricsLog::sync() const { sync_path(path_); }

}  // namespace muybridge
