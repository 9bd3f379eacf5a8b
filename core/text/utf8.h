#pragma once

#include <cstddef>
#include <string_view>

namespace muybridge {

// Where the first byte that is not well-formed UTF-8 stands (no overlong forms, no surrogates);
// npos where there is none.
std::size_t find_invalid_utf8(std::string_view text);

// The longest beginning of at most `max_bytes` bytes that does not cut a character.
std::string_view cut_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace muybridge
