#include "data/corpus/column_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <span>

namespace muybridge {
namespace {

constexpr std::array<std::string_view, 24> kPaths = {
    "path",        "video",      "video_path", "media_path", "file_name",      "file_path",
    "vision_path", "video_file", "filename",   "filepath",   "video_fn",       "video_name",
    "media",       "file",       "clip_path",  "clip",       "video_filename", "media_file",
    "image_path",  "image",      "image_file", "image_name", "img_path",       "img"};
constexpr std::array<std::string_view, 19> kCaptions = {"caption",       "text",
                                                        "prompt",        "cap",
                                                        "captions",      "description",
                                                        "long_caption",  "dense_caption",
                                                        "video_caption", "detailed_caption",
                                                        "recaption",     "refined_caption",
                                                        "long_prompt",   "raw_caption",
                                                        "short_caption", "short_prompt",
                                                        "prompts",       "texts",
                                                        "sentence"};

std::string plain(std::string_view name) {
  std::string result;
  for (const char letter : name) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == ' ' || letter == '-' || letter == '_' || letter == '\t' || letter == '\r') {
      if (!result.empty() && result.back() != '_') result += '_';
    } else {
      result += static_cast<char>(std::tolower(byte));
    }
  }
  while (!result.empty() && result.back() == '_') result.pop_back();
  return result;
}

int rank_in(std::span<const std::string_view> names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// "is "Captoin" meant as "caption"?", or nothing where no name is near.
std::string nearest(const std::vector<std::string>& columns,
                    std::span<const std::string_view> names) {
  std::size_t best = 3;
  std::string advice;
  for (const std::string& column : columns) {
    const std::string_view shown = column;
    if (shown.size() > 64 || role_of_column(shown).use != ColumnRole::Use::kOther) continue;
    for (const std::string_view name : names) {
      const std::size_t far = distance(plain(shown), name);
      if (far >= best || far * 2 >= name.size()) continue;
      best = far;
      advice = fmt::format("; is \"{}\" meant as \"{}\"?", shown, name);
    }
  }
  return advice;
}

constexpr std::size_t kShown = 6;

std::string listed(std::span<const std::string_view> names) {
  return fmt::format("{}, ...", fmt::join(names.first(kShown), ", "));
}

// The first columns, each cut to what a person reads.
std::string shown(const std::vector<std::string>& columns) {
  constexpr std::size_t kMost = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(columns.size(), kMost); ++i) {
    text += (i > 0 ? ", " : "") + columns[i].substr(0, 40);
  }
  return text + (columns.size() > kMost ? fmt::format(" and {} more", columns.size() - kMost) : "");
}

}  // namespace

ColumnRole role_of_column(std::string_view name) {
  const std::string same = plain(name);
  if (const int rank = rank_in(kPaths, same); rank >= 0) return {ColumnRole::Use::kPath, rank};
  if (const int rank = rank_in(kCaptions, same); rank >= 0) {
    return {ColumnRole::Use::kCaption, rank};
  }
  return {};
}

std::string known_path_columns() { return listed(kPaths); }
std::string known_caption_columns() { return listed(kCaptions); }

std::string explain_columns(const std::vector<std::string>& columns) {
  const auto has = [&](ColumnRole::Use use) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const std::string& name) { return role_of_column(name).use == use; });
  };
  const bool path = has(ColumnRole::Use::kPath);
  const bool caption = has(ColumnRole::Use::kCaption);
  if (path && caption) return {};
  std::string text =
      columns.empty() ? "it has no columns" : fmt::format("its columns are {}", shown(columns));
  if (!path) {
    text +=
        fmt::format("; none names a path ({})", known_path_columns()) + nearest(columns, kPaths);
  }
  if (!caption) {
    text += fmt::format("; none is a caption ({})", known_caption_columns()) +
            nearest(columns, kCaptions);
  }
  return text;
}

}  // namespace muybridge
