#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

// By the ending of the name, whatever its case. What is really inside, the decoder finds out.
bool is_video_name(const std::filesystem::path& name);
bool is_image_name(const std::filesystem::path& name);
inline bool is_media_name(const std::filesystem::path& name) {
  return is_video_name(name) || is_image_name(name);
}
bool is_tar_name(const std::filesystem::path& name);
bool is_caption_name(const std::filesystem::path& name);  // .txt, .caption, .json

// All files below a folder, sorted by path, without those and the folders whose names begin with a
// dot. Follows links to folders, each folder once. Throws Error(kIo).
std::vector<std::filesystem::path> walk_files(const std::filesystem::path& folder);

}  // namespace muybridge
