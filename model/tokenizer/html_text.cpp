#include "model/tokenizer/html_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>

#include "model/tokenizer/characters.h"
#include "model/tokenizer/html_names.h"

namespace muybridge {
namespace {

struct Named {
  std::string text;
  bool needs_semicolon;
};

std::map<std::string_view, Named> parse_names() {
  std::map<std::string_view, Named> names;
  for (const std::string_view entry : words_of(kHtmlNames)) {
    const std::size_t mark = entry.find_first_of("=!");
    Named named{.text = {}, .needs_semicolon = entry[mark] == '='};
    for (const char* at = entry.data() + mark; at < entry.data() + entry.size();) {
      std::uint32_t code = 0;
      at = std::from_chars(at + 1, entry.data() + entry.size(), code, 16).ptr;
      append_utf8(code, named.text);
    }
    names.emplace(entry.substr(0, mark), std::move(named));
  }
  return names;
}

const Named* find_named(std::string_view name) {
  static const std::map<std::string_view, Named> names = parse_names();
  const auto found = names.find(name);
  return found == names.end() ? nullptr : &found->second;
}

// Those of 0x80 to 0x9F that Windows-1252 has a character for; 0: it has none.
constexpr std::uint32_t kWindows[] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

bool is_no_character(std::uint32_t code) {
  return (code >= 0x1 && code <= 0x8) || code == 0xB || (code >= 0xE && code <= 0x1F) ||
         code == 0x7F || (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
}

void append_number(std::uint32_t code, std::string& to) {
  constexpr std::uint32_t kReplacement = 0xFFFD;
  if (code >= 0x80 && code <= 0x9F)
    append_utf8(kWindows[code - 0x80] > 0 ? kWindows[code - 0x80] : code, to);
  else if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
    append_utf8(kReplacement, to);
  else if (!is_no_character(code))
    append_utf8(code, to);
}

// Both append what the reference behind an '&' means and return how many bytes it has; 0: none.
std::size_t append_numbered(std::string_view rest, std::string& to) {
  const bool hexadecimal = rest.size() > 1 && (rest[1] == 'x' || rest[1] == 'X');
  const char *const begin = rest.data() + (hexadecimal ? 2 : 1), *const end =
                                                                     rest.data() + rest.size();
  std::uint32_t code = 0;
  const auto [after, error] = std::from_chars(begin, end, code, hexadecimal ? 16 : 10);
  if (after == begin) return 0;
  append_number(error == std::errc::result_out_of_range ? ~0U : code, to);
  return static_cast<std::size_t>(after - rest.data()) + (after < end && *after == ';' ? 1 : 0);
}

std::size_t append_named(std::string_view rest, std::string& to) {
  constexpr std::size_t kLongest = 32;
  const auto is_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const std::string_view head = rest.substr(0, kLongest);
  const auto length =
      static_cast<std::size_t>(std::ranges::find_if_not(head, is_of_name) - head.begin());
  const bool ends = length < rest.size() && rest[length] == ';';
  if (const Named* named = find_named(rest.substr(0, length)); named && ends) {
    to += named->text;
    return length + 1;
  }
  for (std::size_t some = length; some >= 2; --some)
    if (const Named* named = find_named(rest.substr(0, some)); named && !named->needs_semicolon) {
      to += named->text;
      return some;
    }
  return 0;
}

}  // namespace

std::string unescape_html(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t mark = std::min(text.find('&'), text.size());
    result += text.substr(0, mark);
    text.remove_prefix(mark);
    if (text.empty()) break;
    text.remove_prefix(1);
    const std::size_t bytes =
        text.starts_with('#') ? append_numbered(text, result) : append_named(text, result);
    if (bytes == 0) result += '&';
    text.remove_prefix(bytes);
  }
  return result;
}

}  // namespace muybridge
