#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/corpus/caption_text.h"
#include "data/media/video_geometry.h"

// The names that public trainers give to the same few things in their metadata (docs/corpora.md).
namespace muybridge {

// What one entry of a metadata file says of a clip.
struct CaptionEntry {
  std::string where;  // "metadata.csv:12"
  std::string path;   // of the clip, as written
  Caption caption;
  std::optional<CropBox> crop;
  std::int64_t cut_first = 0;  // pictures of the file to use
  std::int64_t cut_end = -1;
  std::string problem;  // not empty: the entry is of no use
};

// A caption: a string, a list of which the first is taken, or an object that has one under caption,
// text, prompt, cap or captions.
Caption caption_of(const nlohmann::json& value, const CaptionRules& rules);

// Reads a metadata file: .csv; .jsonl with an object a line; .json with a list of objects, or one
// object that maps paths to captions. Entries that cannot be used have a problem; a file that
// cannot be read as a whole throws Error(kCorrupt).
std::vector<CaptionEntry> read_caption_table(const std::filesystem::path& path,
                                             const CaptionRules& rules);

}  // namespace muybridge
