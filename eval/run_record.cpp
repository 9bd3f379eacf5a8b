#include "eval/run_record.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "core/error.h"
#include "core/file.h"
#include "core/log.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// A number, or the mean of an array of numbers.
std::optional<double> number_in(const Json& line, const char* key) {
  const auto found = line.find(key);
  if (found == line.end()) return std::nullopt;
  if (found->is_number()) return found->get<double>();
  if (!found->is_array() || found->empty()) return std::nullopt;
  double sum = 0;
  for (const Json& each : *found) {
    if (!each.is_number()) return std::nullopt;
    sum += each.get<double>();
  }
  return sum / static_cast<double>(found->size());
}

Curve curve_of(const std::map<std::int64_t, double>& values) {
  Curve curve;
  for (const auto& [step, value] : values) curve.points.push_back({step, value});
  return curve;
}

void read_metrics(const fs::path& path, RunRecord& record) {
  if (!fs::exists(path)) return;
  std::istringstream lines(read_file(path));
  std::map<std::int64_t, double> loss, validation_loss, grad_norm;
  for (std::string text; std::getline(lines, text);) {
    const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) continue;
    const auto step = line["step"].get<std::int64_t>();
    if (const auto value = number_in(line, "loss")) loss[step] = *value;
    if (const auto value = number_in(line, "validation_loss")) validation_loss[step] = *value;
    if (const auto value = number_in(line, "grad_norm")) grad_norm[step] = *value;
  }
  record.loss = curve_of(loss);
  record.validation_loss = curve_of(validation_loss);
  record.grad_norm = curve_of(grad_norm);
}

void read_rendered(const fs::path& run, const fs::path& folder, RunRecord& record) {
  if (!fs::exists(run / folder / "samples.json")) return;
  try {
    record.rendered.push_back({folder.string(), read_sample_set(run / folder)});
  } catch (const Error& error) {
    log_warning("{}; the gallery leaves it out", error.what());
  }
}

}  // namespace

RunRecord read_run_record(const fs::path& run) {
  RunRecord record;
  read_metrics(run / "metrics.jsonl", record);
  read_rendered(run, "", record);
  if (fs::is_directory(run / "samples")) {
    for (const fs::directory_entry& entry : fs::directory_iterator(run / "samples")) {
      const std::string name = entry.path().filename().string();
      if (entry.is_directory() && name.starts_with("step-")) {
        read_rendered(run, fs::path("samples") / name, record);
      }
    }
  }
  std::sort(record.rendered.begin(), record.rendered.end(),
            [](const RenderedSet& a, const RenderedSet& b) {
              return std::pair(a.set.step, a.folder) < std::pair(b.set.step, b.folder);
            });
  return record;
}

}  // namespace muybridge
