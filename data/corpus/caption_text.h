#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/corpus/remark.h"

namespace muybridge {

struct CaptionRules {
  std::size_t max_bytes = 2048;  // longer captions are cut on a UTF-8 boundary
  std::string fallback;          // for clips that have none; empty: such clips are skipped
};

struct Caption {
  std::string text;
  Finding problem;             // not none: the clip is to be skipped
  std::vector<Finding> notes;  // what was done to the caption
};

// A caption that rules its clip out.
Caption unusable_caption(const char* kind, std::string text = {});

// The caption of a clip that has none, or an empty one.
Caption missing_caption(const CaptionRules& rules, const char* kind = remark::kNoCaption);

// Takes a byte order mark and outer white space away and turns CRLF into LF. Not UTF-8 or a zero
// byte: a problem that says which byte. Nothing left: as if there were none.
Caption clean_caption(std::string_view raw, const CaptionRules& rules);

// The caption in the bytes of a file of that name: .json is an object with a caption
// (metadata_entry.h) or a string, any other ending is the text itself, also UTF-16 with its mark.
Caption parse_caption_file(const std::filesystem::path& name, std::string bytes,
                           const CaptionRules& rules);

// The same of a file on the disk. One that cannot be read is a problem; throws Error(kIo) for what
// the machine lacks.
Caption read_caption_file(const std::filesystem::path& path, const CaptionRules& rules);

// Caption files are read up to here.
inline constexpr std::size_t kMostCaptionBytes = std::size_t{1} << 20;

}  // namespace muybridge
