#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/corpus/remark.h"

namespace muybridge {

// With ASCII letters in lower case.
std::string lower(std::string text);

// ".mp4" of "a.MP4".
std::string lower_ending(const std::filesystem::path& name);

// By the ending of the name, whatever its case. What is really inside, the decoder finds out.
bool is_video_name(const std::filesystem::path& name);
bool is_image_name(const std::filesystem::path& name);
inline bool is_media_name(const std::filesystem::path& name) {
  return is_video_name(name) || is_image_name(name);
}
bool is_tar_name(const std::filesystem::path& name);
bool is_caption_name(const std::filesystem::path& name);  // .txt, .caption, .json

// What lies below a folder.
struct FolderFiles {
  std::vector<std::filesystem::path> files;  // sorted by path
  // Folders that may not be read, and hidden videos and images.
  std::vector<std::pair<std::filesystem::path, Finding>> left_out;
};

// All files below a folder, without those and the folders whose names begin with a dot. Follows
// links to folders, each folder once. Holds one descriptor at a time. Throws Error(kIo) if the
// folder itself cannot be read, or for what the machine lacks.
FolderFiles walk_files(const std::filesystem::path& folder);

}  // namespace muybridge
