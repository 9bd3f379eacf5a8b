#pragma once

#include <string>

namespace muybridge {

// The text of a file without its byte order mark: UTF-16 with a mark, as Windows programs write it,
// becomes UTF-8; anything else stays as it is, whether UTF-8 or not.
struct DecodedText {
  std::string text;
  std::string problem;  // not empty: UTF-16 that breaks off or has half a pair, at which byte
};
DecodedText decode_text(std::string bytes);

}  // namespace muybridge
