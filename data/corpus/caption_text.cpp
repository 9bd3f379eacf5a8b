#include "data/corpus/caption_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/text/utf8.h"
#include "data/corpus/corpus_path.h"
#include "data/corpus/media_files.h"
#include "data/corpus/metadata_entry.h"
#include "data/corpus/text_encoding.h"

namespace muybridge {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

Caption unusable_caption(const char* kind, std::string text) {
  return {.text = {}, .problem = {kind, std::move(text)}, .notes = {}};
}

Caption missing_caption(const CaptionRules& rules, const char* kind) {
  if (rules.fallback.empty()) return unusable_caption(kind);
  return {.text = rules.fallback, .problem = {}, .notes = {{remark::kCaptionGiven, {}}}};
}

Caption clean_caption(std::string_view raw, const CaptionRules& rules) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (raw.starts_with(kByteOrderMark)) raw.remove_prefix(kByteOrderMark.size());
  const std::size_t invalid = find_invalid_utf8(raw);
  if (invalid != std::string_view::npos) {
    return unusable_caption(remark::kCaptionEncoding, fmt::format("byte {}", invalid));
  }
  const std::size_t zero = raw.find('\0');
  if (zero != std::string_view::npos) {
    return unusable_caption(remark::kCaptionNotText, fmt::format("byte {} is zero", zero));
  }
  raw = trimmed(raw);
  if (raw.empty()) return missing_caption(rules, remark::kEmptyCaption);
  Caption caption;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\r' && i + 1 < raw.size() && raw[i + 1] == '\n') continue;
    caption.text += raw[i];
  }
  if (caption.text.size() > rules.max_bytes) {
    const std::size_t before = caption.text.size();
    caption.text = trimmed(cut_utf8(caption.text, rules.max_bytes));
    caption.notes.push_back(
        {remark::kCaptionCut, fmt::format("{} bytes to {}", before, caption.text.size())});
    if (caption.text.empty()) {
      return unusable_caption(remark::kEmptyCaption,
                              fmt::format("nothing is left of it in {} bytes", rules.max_bytes));
    }
  }
  return caption;
}

Caption parse_caption_file(const std::filesystem::path& name, std::string bytes,
                           const CaptionRules& rules) {
  const bool longer = bytes.size() > kMostCaptionBytes;
  DecodedText decoded = decode_text(std::move(bytes));
  if (!decoded.problem.empty() && !longer) {
    return unusable_caption(remark::kCaptionEncoding, decoded.problem);
  }
  if (lower_ending(name) != ".json") {
    std::string_view text = decoded.text;
    if (!longer) return clean_caption(text, rules);
    Caption caption = clean_caption(cut_utf8(text, kMostCaptionBytes), rules);
    for (Finding& note : caption.notes) {
      if (note.kind == remark::kCaptionCut) note.text = "more than " + note.text;
    }
    return caption;
  }
  if (longer) {
    return unusable_caption(remark::kCaptionUnreadable, "JSON of more than 1 MiB");
  }
  const nlohmann::json value = nlohmann::json::parse(decoded.text, nullptr,
                                                     /*allow_exceptions=*/false,
                                                     /*ignore_comments=*/true);
  if (value.is_discarded()) {
    return unusable_caption(remark::kCaptionUnreadable,
                            name.filename().string() + " is not JSON in UTF-8");
  }
  return caption_of(value, rules);
}

Caption read_caption_file(const std::filesystem::path& path, const CaptionRules& rules) {
  FileHead head = read_head(path, kMostCaptionBytes + 4);
  if (!head.problem.empty()) {
    return unusable_caption(remark::kCaptionUnreadable,
                            path.filename().string() + ": " + head.problem);
  }
  return parse_caption_file(path, std::move(head.text), rules);
}

}  // namespace muybridge
