#include "model/tokenizer/base64.h"

#include <cstdint>

#include "core/error.h"

namespace muybridge {

std::string from_base64(std::string_view text, const std::string& where) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const bool is_whole = text.size() % 4 == 0;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  bool is_known = true;
  for (const char digit : text) {
    const std::size_t value = kDigits.find(digit);
    is_known = is_known && value != std::string_view::npos;
    bits = bits << 6 | (static_cast<std::uint32_t>(value) & 0x3FU);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFFU);
  }
  if (!is_whole || !is_known)
    fail(ExitCode::kCorrupt, "{}: what should be base64 is not; copy the file anew", where);
  return bytes;
}

}  // namespace muybridge
