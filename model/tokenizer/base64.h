#pragma once

#include <string>
#include <string_view>

namespace muybridge {

// RFC 4648, section 4, with its padding. Throws Error(kCorrupt) that begins with `where`.
std::string from_base64(std::string_view text, const std::string& where);

}  // namespace muybridge
