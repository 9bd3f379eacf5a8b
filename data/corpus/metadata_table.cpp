#include "data/corpus/metadata_table.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/error.h"
#include "core/file.h"
#include "data/corpus/csv.h"

namespace muybridge {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 11> kPathNames = {
    "path",       "video", "file_name", "media_path", "video_path", "image_path",
    "video_file", "file",  "filename",  "image",      "media"};
constexpr std::array<std::string_view, 6> kCaptionNames = {"caption", "text",     "prompt",
                                                           "cap",     "captions", "description"};

template <std::size_t N>
const json* find_field(const json& object, const std::array<std::string_view, N>& names) {
  for (const std::string_view name : names) {
    const auto found = object.find(name);
    if (found != object.end() && !found->is_null()) return &*found;
  }
  return nullptr;
}

template <std::size_t N>
std::string listed(const std::array<std::string_view, N>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

// "cut": [first, end]; "crop": [left, right, top, bottom], as Open-Sora-Plan writes them.
void read_span(const json& object, CaptionEntry& entry) {
  const auto numbers = [&](const char* name, std::size_t count) -> std::vector<std::int64_t> {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return {};
    std::vector<std::int64_t> values;
    for (const json& item : *found) {
      if (!item.is_number()) break;
      values.push_back(item.get<std::int64_t>());
    }
    if (!found->is_array() || values.size() != count || found->size() != count) {
      entry.problem = fmt::format("\"{}\" is not a list of {} numbers", name, count);
      return {};
    }
    return values;
  };
  if (const auto cut = numbers("cut", 2); !cut.empty()) {
    entry.cut_first = cut[0];
    entry.cut_end = cut[1];
    if (cut[0] < 0 || cut[1] <= cut[0]) entry.problem = "\"cut\" holds no frame";
  }
  if (const auto crop = numbers("crop", 4); !crop.empty()) {
    constexpr std::int64_t kFar = 1 << 20;
    bool sane = true;
    for (const std::int64_t edge : crop) sane = sane && edge >= 0 && edge < kFar;
    if (!sane || crop[1] <= crop[0] || crop[3] <= crop[2]) {
      entry.problem = "\"crop\" holds no pixel";
    } else {
      entry.crop = CropBox{static_cast<int>(crop[0]), static_cast<int>(crop[1]),
                           static_cast<int>(crop[2]), static_cast<int>(crop[3])};
    }
  }
}

CaptionEntry entry_of(const json& object, std::string where, const CaptionRules& rules) {
  CaptionEntry entry;
  entry.where = std::move(where);
  if (!object.is_object()) {
    entry.problem = "not an object";
    return entry;
  }
  const json* path = find_field(object, kPathNames);
  if (path == nullptr || !path->is_string() || path->get_ref<const std::string&>().empty()) {
    entry.problem = "no path; it may be called " + listed(kPathNames);
    return entry;
  }
  entry.path = path->get<std::string>();
  entry.caption = caption_of(object, rules);
  read_span(object, entry);
  return entry;
}

std::vector<CaptionEntry> read_csv(const std::filesystem::path& path, const CaptionRules& rules) {
  const std::string name = path.filename().string();
  const CsvTable table = parse_csv(read_file(path), name);
  std::vector<CaptionEntry> entries;
  for (const CsvRow& row : table.rows) {
    const std::string where = fmt::format("{}:{}", name, row.line);
    if (!row.problem.empty()) {
      entries.push_back(
          {.where = where, .path = {}, .caption = {}, .crop = {}, .problem = row.problem});
      continue;
    }
    json object = json::object();
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
      if (!row.fields[i].empty()) object[table.header[i]] = row.fields[i];
    }
    entries.push_back(entry_of(object, where, rules));
  }
  return entries;
}

std::vector<CaptionEntry> read_jsonl(const std::filesystem::path& path, const CaptionRules& rules) {
  const std::string name = path.filename().string();
  const std::string text = read_file(path);
  std::vector<CaptionEntry> entries;
  std::size_t begin = 0;
  for (int line = 1; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view record = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (record.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const json object = json::parse(record, nullptr, /*allow_exceptions=*/false);
    entries.push_back(entry_of(object, fmt::format("{}:{}", name, line), rules));
    if (object.is_discarded()) entries.back().problem = "not JSON";
  }
  return entries;
}

std::vector<CaptionEntry> read_json(const std::filesystem::path& path, const CaptionRules& rules) {
  const std::string name = path.filename().string();
  json document;
  try {
    document = json::parse(read_file(path));
  } catch (const json::parse_error& error) {
    fail(ExitCode::kCorrupt, "{}: not JSON: {}; mend the file or take it away", path.string(),
         error.what());
  }
  std::vector<CaptionEntry> entries;
  if (document.is_array()) {
    for (std::size_t i = 0; i < document.size(); ++i) {
      entries.push_back(entry_of(document[i], fmt::format("{}[{}]", name, i), rules));
    }
    return entries;
  }
  if (!document.is_object()) {
    fail(ExitCode::kCorrupt, "{}: neither a list of objects nor a map from paths to captions",
         path.string());
  }
  for (const auto& [key, value] : document.items()) {
    CaptionEntry entry;
    entry.where = fmt::format("{}[\"{}\"]", name, key);
    entry.path = key;
    entry.caption = caption_of(value, rules);
    if (value.is_object()) read_span(value, entry);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

Caption caption_of(const json& value, const CaptionRules& rules) {
  if (value.is_object()) {
    const json* field = find_field(value, kCaptionNames);
    return field == nullptr || field->is_object() ? missing_caption(rules)
                                                  : caption_of(*field, rules);
  }
  if (value.is_array()) {
    if (value.empty()) return missing_caption(rules);
    return value.front().is_string() ? caption_of(value.front(), rules)
                                     : Caption{{}, "its caption is not text", {}};
  }
  if (!value.is_string()) return {.text = {}, .problem = "its caption is not text", .note = {}};
  return clean_caption(value.get_ref<const std::string&>(), rules);
}

std::vector<CaptionEntry> read_caption_table(const std::filesystem::path& path,
                                             const CaptionRules& rules) {
  const std::filesystem::path ending = path.extension();
  if (ending == ".csv") return read_csv(path, rules);
  return ending == ".jsonl" ? read_jsonl(path, rules) : read_json(path, rules);
}

}  // namespace muybridge
