#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muybridge {

// Text for HTML, also inside quoted attributes. Bytes that are not UTF-8, and control characters,
// become U+FFFD.
std::string escape_html(std::string_view text);

// A relative path for href and src: all but letters, digits and "/-_." as %XX.
std::string escape_url(std::string_view path);

// "rigid scene" of "rigid_scene"
std::string words_of(std::string name);

// "12,345"
std::string group_digits(std::int64_t value);

// "98.6%", rounded down: 99.96% is not all of them.
std::string format_percent(double share);

}  // namespace muybridge
