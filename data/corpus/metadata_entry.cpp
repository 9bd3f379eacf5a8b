#include "data/corpus/metadata_entry.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "data/corpus/column_names.h"

namespace muybridge {
namespace {

using nlohmann::json;

bool is_blank(const json& value) {
  return value.is_null() ||
         (value.is_string() &&
          value.get_ref<const std::string&>().find_first_not_of(" \t\r\n") == std::string::npos) ||
         (value.is_array() && value.empty());
}

// The field of a role with the lowest rank that says something; else one that says nothing.
const json* find_field(const json& object, ColumnRole::Use use) {
  const json* best = nullptr;
  int best_rank = std::numeric_limits<int>::max();
  for (const auto& [key, value] : object.items()) {
    const ColumnRole role = role_of_column(key);
    if (role.use != use || value.is_null()) continue;
    const int rank = role.rank + (is_blank(value) ? 1000 : 0);
    if (rank >= best_rank) continue;
    best = &value;
    best_rank = rank;
  }
  return best;
}

// Whole numbers, also as pandas writes them where a column has gaps (12.0).
std::optional<std::int64_t> whole(const json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (std::abs(number) > 1e15 || number != std::floor(number)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

// A list of whole numbers under a name, in CSV as text. Nothing if the row has no such field.
std::vector<std::int64_t> numbers(const json& row, const char* name, std::size_t count,
                                  Finding& problem) {
  const auto found = row.find(name);
  if (found == row.end() || is_blank(*found)) return {};
  const json list = found->is_string()
                        ? json::parse(found->get_ref<const std::string&>(), nullptr, false)
                        : *found;
  std::vector<std::int64_t> values;
  if (list.is_array()) {
    for (const json& item : list) {
      if (const auto value = whole(item)) values.push_back(*value);
    }
  }
  if (values.size() == count && list.size() == count) return values;
  problem = {remark::kRowEmptySpan, fmt::format("\"{}\" is not a list of {} numbers", name, count)};
  return {};
}

void read_span(const json& row, ListEntry& entry) {
  if (const auto cut = numbers(row, "cut", 2, entry.problem); !cut.empty()) {
    entry.cut_first = cut[0];
    entry.cut_end = cut[1];
    if (cut[0] < 0 || cut[1] <= cut[0]) {
      entry.problem = {remark::kRowEmptySpan, "\"cut\" holds no frame"};
    }
  }
  if (const auto crop = numbers(row, "crop", 4, entry.problem); !crop.empty()) {
    constexpr std::int64_t kFar = 1 << 20;
    bool sane = true;
    for (const std::int64_t edge : crop) sane = sane && edge >= 0 && edge < kFar;
    if (!sane || crop[1] <= crop[0] || crop[3] <= crop[2]) {
      entry.problem = {remark::kRowEmptySpan, "\"crop\" holds no pixel"};
    } else {
      entry.crop = CropBox{static_cast<int>(crop[0]), static_cast<int>(crop[1]),
                           static_cast<int>(crop[2]), static_cast<int>(crop[3])};
    }
  }
}

// Captions of a window are also called by the model that wrote them, as "qwen2p5_7b_caption" or
// "qwen3_32b_dense": the longest kind first.
const json* find_window_caption(const json& window) {
  if (const json* field = find_field(window, ColumnRole::Use::kCaption);
      field != nullptr && !is_blank(*field)) {
    return field;
  }
  for (const char* ending : {"dense", "descriptive", "caption", "short", "temporal"}) {
    for (const auto& [key, value] : window.items()) {
      if (value.is_string() && !is_blank(value) && key.ends_with(ending)) return &value;
    }
  }
  return nullptr;
}

// The end_frame of a window is the last one that it uses.
void read_window(const json& window, const Caption& whole_caption, const CaptionRules& rules,
                 ListEntry& entry) {
  const auto frame = [&](const char* name) -> std::optional<std::int64_t> {
    const auto found = window.find(name);
    return found == window.end() ? std::nullopt : whole(*found);
  };
  const auto first = frame("start_frame");
  const auto last = frame("end_frame");
  if (!first || !last || *first < 0 || *last < *first) {
    entry.problem = {remark::kRowEmptySpan, "start_frame and end_frame hold no frame"};
    return;
  }
  entry.cut_first = *first;
  entry.cut_end = *last + 1;
  const json* caption = find_window_caption(window);
  entry.caption = caption == nullptr ? whole_caption : caption_of(*caption, rules);
  if (const auto interval = frame("temporal_interval"); interval && *interval != 1) {
    entry.caption.notes.push_back(
        {remark::kFieldIgnored,
         fmt::format("temporal_interval {}: every frame is read", *interval)});
  }
}

}  // namespace

Caption caption_of(const json& value, const CaptionRules& rules) {
  if (value.is_null()) return missing_caption(rules);
  if (value.is_object()) {
    const json* field = find_field(value, ColumnRole::Use::kCaption);
    return field == nullptr ? missing_caption(rules) : caption_of(*field, rules);
  }
  if (value.is_array()) {
    const json* first = nullptr;
    for (const json& item : value) {
      if (!item.is_string()) return unusable_caption(remark::kCaptionNotText);
      if (first == nullptr && !is_blank(item)) first = &item;
    }
    if (first == nullptr) return missing_caption(rules, remark::kEmptyCaption);
    Caption caption = caption_of(*first, rules);
    if (value.size() > 1) {
      caption.notes.push_back({remark::kSeveralCaptions, fmt::format("of {}", value.size())});
    }
    return caption;
  }
  if (!value.is_string()) return unusable_caption(remark::kCaptionNotText);
  return clean_caption(value.get_ref<const std::string&>(), rules);
}

bool visit_entry(const json& row, std::string where, const CaptionRules& rules,
                 const EntryVisitor& visit) {
  ListEntry entry;
  entry.where = std::move(where);
  if (!row.is_object()) {
    entry.problem = {remark::kRowUnreadable,
                     row.is_discarded() ? "not JSON in UTF-8" : "not an object"};
    return visit(std::move(entry));
  }
  const json* path = find_field(row, ColumnRole::Use::kPath);
  if (path == nullptr || !path->is_string() || path->get_ref<const std::string&>().empty()) {
    entry.problem = {remark::kRowWithoutPath,
                     path == nullptr ? "it may be called " + known_path_columns() : ""};
    return visit(std::move(entry));
  }
  entry.path = path->get<std::string>();
  entry.caption = caption_of(row, rules);
  const auto windows = row.find("t2w_windows");
  if (windows == row.end() || !windows->is_array() || windows->empty()) {
    read_span(row, entry);
    return visit(std::move(entry));
  }
  for (std::size_t i = 0; i < windows->size(); ++i) {
    ListEntry part = entry;
    part.where += fmt::format(" window {}", i);
    const json& window = (*windows)[i];
    if (window.is_object()) {
      read_window(window, entry.caption, rules, part);
    } else {
      part.problem = {remark::kRowUnreadable, "the window is not an object"};
    }
    if (!visit(std::move(part))) return false;
  }
  return true;
}

}  // namespace muybridge
