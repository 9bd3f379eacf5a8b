#pragma once

#include <string_view>

namespace muybridge {

// The named character references of HTML 5 (html.spec.whatwg.org, section 13.5), ascending:
// "name=code" or "name=code+code" in hexadecimal, "name!code" where a reference may lack its
// semicolon, with blanks and newlines between.
extern const std::string_view kHtmlNames;

}  // namespace muybridge
