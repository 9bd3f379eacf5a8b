#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace muybridge {

struct CaptionRules {
  std::size_t max_bytes = 2048;  // longer captions are cut on a UTF-8 boundary
  std::string fallback;          // for clips that have none; empty: such clips are skipped
};

struct Caption {
  std::string text;
  std::string problem;  // not empty: the clip is to be skipped
  std::string note;     // not empty: what was done to the caption
};

// Takes a byte order mark and outer white space away and turns CRLF into LF. Not UTF-8, a zero
// byte, or nothing left: a problem (nothing left: the fallback, where there is one).
Caption clean_caption(std::string_view raw, const CaptionRules& rules);

// The caption of a clip that has none.
Caption missing_caption(const CaptionRules& rules);

// Reads a caption file: .json is an object with a caption (metadata_table.h) or a string, any other
// ending is the text itself. A file that cannot be read is a problem, not an exception.
Caption read_caption_file(const std::filesystem::path& path, const CaptionRules& rules);
Caption parse_caption_json(std::string_view text, const CaptionRules& rules);

}  // namespace muybridge
