#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "data/corpus/caption_text.h"
#include "data/media/picture/video_geometry.h"

namespace muybridge {

// What one row of a list says of a clip.
struct ListEntry {
  std::string where;  // "metadata.csv:12"
  std::string path;   // of the clip, as written
  Caption caption;
  std::optional<CropBox> crop;
  std::int64_t cut_first = 0;  // pictures of the file to use
  std::int64_t cut_end = -1;
  Finding problem;  // not none: the row is of no use
};

// Gets the entries one after another; false ends the reading.
using EntryVisitor = std::function<bool(ListEntry)>;

// A caption: a string, a list of which the first is taken, or an object that has one under one of
// the known names.
Caption caption_of(const nlohmann::json& value, const CaptionRules& rules);

// Visits what a row says, an object of columns or keys: one clip, or one for each of its
// "t2w_windows" (NVIDIA Cosmos: start_frame and end_frame, which is the last one used, and captions
// of their own). "cut": [first, end] and "crop": [left, right, top, bottom] are as Open-Sora-Plan
// writes them. Returns what the visitor returned.
bool visit_entry(const nlohmann::json& row, std::string where, const CaptionRules& rules,
                 const EntryVisitor& visit);

}  // namespace muybridge
