#include "model/tokenizer/characters.h"

#include <algorithm>

#include "core/text/utf8.h"

namespace muybridge {

Character first_character(std::string_view text) {
  for (std::size_t bytes = 1; bytes <= 4 && bytes <= text.size(); ++bytes) {
    if (find_invalid_utf8(text.substr(0, bytes)) != std::string_view::npos) continue;
    const auto lead = static_cast<std::uint8_t>(text[0]);
    std::uint32_t code = bytes == 1 ? lead : lead & (0xFFU >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i)
      code = code << 6 | (static_cast<std::uint8_t>(text[i]) & 0x3FU);
    return {code, bytes};
  }
  return {};
}

void append_utf8(std::uint32_t code, std::string& text) {
  const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr std::uint32_t kLeads[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(kLeads[more] | (code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i)
    text += static_cast<char>(0x80U | ((code >> (6 * i)) & 0x3FU));
}

bool is_white_space(std::uint32_t code) {
  constexpr std::uint32_t kOthers[] = {0x20,   0x85,   0xA0,   0x1680, 0x2028,
                                       0x2029, 0x202F, 0x205F, 0x3000};
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x2000 && code <= 0x200A) ||
         std::ranges::find(kOthers, code) != std::end(kOthers);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0, at = 0;
  const auto end_word = [&] {
    if (at > begin) words.push_back(text.substr(begin, at - begin));
  };
  while (at < text.size()) {
    const Character character = first_character(text.substr(at, 4));
    const bool is_space = character.bytes > 0 && is_white_space(character.code);
    const std::size_t bytes = std::max<std::size_t>(character.bytes, 1);
    if (is_space) {
      end_word();
      begin = at + bytes;
    }
    at += bytes;
  }
  end_word();
  return words;
}

}  // namespace muybridge
