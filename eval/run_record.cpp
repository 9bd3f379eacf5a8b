#include "eval/run_record.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"

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
  const struct {
    const char* key;
    Curve RunRecord::*curve;
  } kinds[] = {{"loss", &RunRecord::loss},
               {"validation_loss", &RunRecord::validation_loss},
               {"validation_psnr", &RunRecord::psnr},
               {"grad_norm", &RunRecord::grad_norm},
               {"learning_rate", &RunRecord::learning_rate}};
  std::map<std::string, std::map<std::int64_t, double>> values;
  std::map<std::int64_t, double> seconds, speed;
  for (std::string text; std::getline(lines, text);) {
    const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) continue;
    const auto step = line["step"].get<std::int64_t>();
    for (const auto& [key, curve] : kinds)
      if (const auto value = number_in(line, key)) values[key][step] = *value;
    const auto tokens = number_in(line, "tokens"), took = number_in(line, "seconds");
    if (took) seconds[step] = *took;
    if (tokens && took && *took > 0) speed[step] = *tokens / *took;
  }
  for (const auto& [key, curve] : kinds) record.*curve = curve_of(values[key]);
  record.tokens_per_second = curve_of(speed);
  for (const auto& [step, value] : seconds) record.seconds += value;
}

std::string text_at(const Json& json, const char* pointer) {
  const Json::json_pointer place(pointer);
  if (!json.contains(place)) return {};
  const Json& value = json.at(place);
  return value.is_string() ? value.get<std::string>() : std::string();
}

double number_at(const Json& json, const char* pointer) {
  const Json::json_pointer place(pointer);
  return json.contains(place) && json.at(place).is_number() ? json.at(place).get<double>() : 0;
}

std::string describe_machine(const Json& json) {
  std::vector<std::string> parts;
  if (const std::string cpu = text_at(json, "/machine/cpu"); !cpu.empty()) parts.push_back(cpu);
  if (const double cores = number_at(json, "/machine/cores"); cores > 0)
    parts.push_back(fmt::format("{:.0f} cores", cores));
  if (const double bytes = number_at(json, "/machine/memory"); bytes > 0)
    parts.push_back(fmt::format("{:.1f} GB", bytes * 1e-9));
  if (const std::string system = text_at(json, "/machine/system"); !system.empty())
    parts.push_back(system);
  return fmt::format("{}", fmt::join(parts, ", "));
}

void read_origin(const fs::path& path, RunOrigin& origin) {
  if (!fs::exists(path)) return;
  const Json json = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return;
  origin.started = text_at(json, "/started");
  origin.version = text_at(json, "/versions/muybridge");
  origin.machine = describe_machine(json);
  origin.ranks = static_cast<std::int64_t>(number_at(json, "/layout/data"));
  for (const char* axis : {"/layout/tensor", "/layout/context", "/layout/pipeline"})
    origin.ranks *= std::max<std::int64_t>(1, static_cast<std::int64_t>(number_at(json, axis)));
  if (!json.contains("command_line") || !json["command_line"].is_array()) return;
  for (const Json& word : json["command_line"])
    if (word.is_string())
      origin.command += (origin.command.empty() ? "" : " ") + word.get<std::string>();
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
  read_origin(run / "environment.json", record.origin);
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

Scores mean_scores_of(const SampleSet& set) {
  std::vector<Scores> clips;
  for (const SampleRecord& clip : set.clips) clips.push_back(clip.scores);
  return mean_scores(clips);
}

}  // namespace muybridge
