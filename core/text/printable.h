#pragma once

#include <string>
#include <string_view>

namespace muybridge {

// A text as a terminal may be given it: control characters as "\x1b", so that no file's name moves
// the cursor or colours the screen. Newlines and tabs stay.
std::string printable(std::string_view text);

// The same for what shall stay in one line: newlines and tabs are shown, too.
std::string printable_line(std::string_view text);

}  // namespace muybridge
