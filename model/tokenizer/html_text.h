#pragma once

#include <string>
#include <string_view>

namespace muybridge {

// Character references of HTML 5 ("&amp;", "&#233;", "&#xE9;") become their characters, as in
// Python's html.unescape: some names need no semicolon, numbers of Windows-1252 mean its
// characters, those of no character become U+FFFD or nothing, and unknown names stay.
std::string unescape_html(std::string_view text);

}  // namespace muybridge
