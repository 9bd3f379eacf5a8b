#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

struct Character {
  std::uint32_t code = 0;  // its Unicode code point
  std::size_t bytes = 0;   // of UTF-8; 0: there is none
};

// The well-formed character that `text` begins with.
Character first_character(std::string_view text);

// `code` is at most 0x10FFFF and no surrogate.
void append_utf8(std::uint32_t code, std::string& text);

// Unicode's White_Space.
bool is_white_space(std::uint32_t code);

// What lies between white space, in order.
std::vector<std::string_view> words_of(std::string_view text);

}  // namespace muybridge
