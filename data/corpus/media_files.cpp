#include "data/corpus/media_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <system_error>

#include "core/error.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 23> kVideos = {
    ".mp4", ".mov",  ".m4v", ".mkv",  ".webm", ".avi", ".mpg",  ".mpeg",
    ".ts",  ".m2ts", ".mts", ".flv",  ".wmv",  ".asf", ".ogv",  ".3gp",
    ".gif", ".apng", ".mxf", ".h264", ".hevc", ".ivf", ".mjpeg"};
constexpr std::array<std::string_view, 8> kImages = {".jpg", ".jpeg", ".png",  ".webp",
                                                     ".bmp", ".tif",  ".tiff", ".ppm"};
constexpr std::array<std::string_view, 3> kCaptions = {".txt", ".caption", ".json"};
constexpr std::array<std::string_view, 9> kTars = {
    ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tbz2", ".txz", ".tzst"};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

template <std::size_t N>
bool has_ending(const fs::path& name, const std::array<std::string_view, N>& endings) {
  const std::string ending = lower(name.extension().string());
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

void walk(const fs::path& folder, std::set<fs::path>& seen, std::vector<fs::path>& files) {
  std::error_code error;
  if (!seen.insert(fs::canonical(folder, error)).second) return;
  std::vector<fs::directory_entry> entries;
  fs::directory_iterator iterator(folder, error);
  for (; !error && iterator != fs::directory_iterator(); iterator.increment(error)) {
    if (iterator->path().filename().string().front() != '.') entries.push_back(*iterator);
  }
  if (error) fail_errno("reading folder " + folder.string(), error.value());
  std::sort(entries.begin(), entries.end());
  for (const fs::directory_entry& entry : entries) {
    if (entry.is_directory(error)) {
      walk(entry.path(), seen, files);
    } else {
      files.push_back(entry.path());
    }
  }
}

}  // namespace

bool is_video_name(const fs::path& name) { return has_ending(name, kVideos); }
bool is_image_name(const fs::path& name) { return has_ending(name, kImages); }
bool is_caption_name(const fs::path& name) { return has_ending(name, kCaptions); }

bool is_tar_name(const fs::path& name) {
  const std::string text = lower(name.filename().string());
  return std::any_of(kTars.begin(), kTars.end(),
                     [&](std::string_view ending) { return text.ends_with(ending); });
}

std::vector<fs::path> walk_files(const fs::path& folder) {
  std::set<fs::path> seen;
  std::vector<fs::path> files;
  walk(folder, seen, files);
  return files;
}

}  // namespace muybridge
