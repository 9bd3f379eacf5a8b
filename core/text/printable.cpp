#include "core/text/printable.h"

#include <fmt/format.h>

namespace muybridge {
namespace {

bool is_control(unsigned char byte) { return byte < 0x20 || byte == 0x7f; }

// U+0080 to U+009F, which some terminals obey: two bytes of UTF-8.
bool is_wide_control(std::string_view text) {
  return text.size() > 1 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0;
}

std::string without_controls(std::string_view text, std::string_view but) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (but.find(text[i]) == std::string_view::npos && is_control(byte)) {
      result += fmt::format("\\x{:02x}", byte);
    } else if (is_wide_control(text.substr(i))) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace

std::string printable(std::string_view text) { return without_controls(text, "\n\t"); }

std::string printable_line(std::string_view text) { return without_controls(text, ""); }

}  // namespace muybridge
