#include "data/corpus/caption_text.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/error.h"
#include "core/utf8.h"
#include "data/corpus/metadata_table.h"

namespace muybridge {
namespace {

// Of a caption file; the rest of a longer one is not read.
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

constexpr std::string_view kSpace = " \t\r\n\f\v";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool starts_with_utf16_mark(std::string_view text) {
  return text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF";
}

Caption problem(std::string reason) {
  return {.text = {}, .problem = std::move(reason), .note = {}};
}

}  // namespace

Caption missing_caption(const CaptionRules& rules) {
  if (rules.fallback.empty()) return problem("it has no caption");
  return {.text = rules.fallback, .problem = {}, .note = "no caption: the given one is used"};
}

Caption clean_caption(std::string_view raw, const CaptionRules& rules) {
  if (starts_with_utf16_mark(raw)) {
    return problem("its caption is UTF-16; save it as UTF-8");
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (raw.substr(0, kByteOrderMark.size()) == kByteOrderMark) raw.remove_prefix(3);
  const std::size_t invalid = find_invalid_utf8(raw);
  if (invalid != std::string_view::npos) {
    return problem(fmt::format("its caption is not UTF-8: byte {}", invalid));
  }
  const std::size_t zero = raw.find('\0');
  if (zero != std::string_view::npos) {
    return problem(fmt::format("its caption is not text: byte {} is zero", zero));
  }
  raw = trimmed(raw);
  if (raw.empty()) {
    Caption caption = missing_caption(rules);
    if (!caption.problem.empty()) caption.problem = "its caption is empty";
    return caption;
  }
  Caption caption;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\r' && i + 1 < raw.size() && raw[i + 1] == '\n') continue;
    caption.text += raw[i];
  }
  if (caption.text.size() > rules.max_bytes) {
    const std::size_t before = caption.text.size();
    caption.text = trimmed(cut_utf8(caption.text, rules.max_bytes));
    caption.note = fmt::format("caption of {} bytes cut to {}", before, caption.text.size());
  }
  return caption;
}

Caption parse_caption_json(std::string_view text, const CaptionRules& rules) {
  const nlohmann::json value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return problem("its caption file is not JSON");
  return caption_of(value, rules);
}

Caption read_caption_file(const std::filesystem::path& path, const CaptionRules& rules) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMostBytes + 4, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file.eof() && file.fail())) {
    return problem("its caption file cannot be read: " + path.filename().string());
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (path.extension() == ".json") return parse_caption_json(text, rules);
  if (text.size() > kMostBytes) text = cut_utf8(text, kMostBytes);
  return clean_caption(text, rules);
}

}  // namespace muybridge
