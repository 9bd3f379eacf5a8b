#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "data/corpus/corpus_forms.h"

namespace muybridge {

// Whether a table is a list of clips: it has rows that name a video or image that is there, and
// captions for them. Opens no video.
struct TableVerdict {
  bool is_list = false;
  std::string why_not;  // what was found instead, for people
};
TableVerdict examine_table(const std::filesystem::path& table, const std::filesystem::path& folder);

// Files that the lists of a folder name.
using NamedFiles = std::set<std::filesystem::path>;

// A list whose paths are relative to `folder`. Of several rows for one clip (the same file, cut and
// crop) the first that can be used counts. Throws Error(kCorrupt) if the list is broken as a whole,
// kUsage if it has no column with paths or, where clips without captions get none, no captions.
void list_table(const std::filesystem::path& table, const std::filesystem::path& folder,
                const CaptionContext& context, NamedFiles& named);

// A file of paths and a file of captions, line by line.
void list_lines(const std::filesystem::path& videos, const std::filesystem::path& prompts,
                const CaptionContext& context, NamedFiles& named);

// Says which videos, images and archives of a folder the list does not name, and how many captions
// beside clips it takes the place of.
void list_unnamed(const std::filesystem::path& folder, const std::string& list,
                  const NamedFiles& named, const CaptionContext& context);

// A file of lines "folder,metadata.json".
void list_of_tables(const std::filesystem::path& list, const CaptionContext& context);

}  // namespace muybridge
