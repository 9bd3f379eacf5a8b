#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "data/corpus/remark.h"

namespace muybridge {

// The file that a list in `folder` means by a path.
struct ListedFile {
  std::filesystem::path file;
  Finding problem;  // not none: there is no such file, or it cannot be opened
  Finding note;     // not none: the path was read as another system writes it
};

// Paths are relative to the folder, or to videos/, video/, clips/ or images/ in it, or absolute. As
// written where there is such a file; else without spaces around it, with slashes for backslashes,
// or with %20 and its like decoded. Throws Error(kIo) for what the machine lacks.
ListedFile find_listed_file(const std::filesystem::path& folder, const std::string& path);

// What may be the matter where a name is not found that seems to be there; empty for ASCII.
std::string spelling_hint(std::string_view name);

// As much of a name as a report can show.
std::string shown_name(const std::string& name);

}  // namespace muybridge
