#pragma once

#include <filesystem>
#include <vector>

#include "eval/sample_folder.h"

namespace muybridge {

// Writes FOLDER/index.html: the clips, newest first, each with what made it. Throws Error(kIo).
void write_sample_page(const std::filesystem::path& folder,
                       const std::vector<CollectedClip>& clips);

}  // namespace muybridge
