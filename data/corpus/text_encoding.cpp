#include "data/corpus/text_encoding.h"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

namespace muybridge {
namespace {

void append_utf8(std::uint32_t code, std::string& out) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      byte(0xE0 | code >> 12);
    } else {
      byte(0xF0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3F));
    }
    byte(0x80 | (code >> 6 & 0x3F));
  }
  byte(0x80 | (code & 0x3F));
}

DecodedText from_utf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](std::size_t at) -> std::uint32_t {
    const auto first = static_cast<std::uint8_t>(bytes[at]);
    const auto second = static_cast<std::uint8_t>(bytes[at + 1]);
    return big_endian ? first << 8 | second : second << 8 | first;
  };
  const auto is_high = [](std::uint32_t value) { return value >= 0xD800 && value < 0xDC00; };
  const auto is_low = [](std::uint32_t value) { return value >= 0xDC00 && value < 0xE000; };
  DecodedText decoded;
  for (std::size_t at = 2; at < bytes.size(); at += 2) {
    if (at + 1 >= bytes.size()) {
      decoded.problem = fmt::format("UTF-16 that ends within a letter, at byte {}", at);
      return decoded;
    }
    std::uint32_t code = unit(at);
    if (is_high(code) && at + 3 < bytes.size() && is_low(unit(at + 2))) {
      code = 0x10000 + ((code - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
      at += 2;
    } else if (is_high(code) || is_low(code)) {
      decoded.problem = fmt::format("UTF-16 with half a pair, at byte {}", at);
      return decoded;
    }
    append_utf8(code, decoded.text);
  }
  return decoded;
}

}  // namespace

DecodedText decode_text(std::string bytes) {
  const std::string_view view = bytes;
  if (view.starts_with("\xFF\xFE")) return from_utf16(view, /*big_endian=*/false);
  if (view.starts_with("\xFE\xFF")) return from_utf16(view, /*big_endian=*/true);
  if (view.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  return {std::move(bytes), {}};
}

}  // namespace muybridge
