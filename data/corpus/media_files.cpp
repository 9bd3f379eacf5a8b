#include "data/corpus/media_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <set>
#include <system_error>

#include "core/error.h"
#include "data/corpus/corpus_path.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr auto kVideos = std::to_array<std::string_view>(
    {".mp4",   ".mov",  ".qt",   ".m4v",  ".f4v",  ".3gp",  ".3g2", ".mkv", ".webm",
     ".avi",   ".divx", ".mpg",  ".mpeg", ".mpe",  ".vob",  ".m1v", ".m2v", ".ts",
     ".tp",    ".m2ts", ".m2t",  ".mts",  ".flv",  ".wmv",  ".asf", ".ogv", ".ogg",
     ".gif",   ".apng", ".mxf",  ".gxf",  ".dv",   ".nut",  ".ivf", ".obu", ".h261",
     ".h263",  ".264",  ".h264", ".265",  ".h265", ".hevc", ".drc", ".vc1", ".mjpg",
     ".mjpeg", ".y4m",  ".rm",   ".rmvb", ".wtv",  ".swf"});
constexpr auto kImages = std::to_array<std::string_view>({".jpg", ".jpeg", ".jpe", ".jfif", ".png",
                                                          ".webp", ".avif", ".bmp", ".tif", ".tiff",
                                                          ".ppm", ".pgm", ".pbm", ".pam", ".pnm"});
constexpr std::array<std::string_view, 3> kCaptions = {".txt", ".caption", ".json"};
constexpr std::array<std::string_view, 9> kTars = {
    ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tbz2", ".txz", ".tzst"};

template <std::size_t N>
bool has_ending(const fs::path& name, const std::array<std::string_view, N>& endings) {
  const std::string ending = lower_ending(name);
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

// macOS leaves a "._a.mp4" beside each file on foreign disks; nobody misses those.
bool is_hidden_media(const std::string& name) {
  return name.front() == '.' && !name.starts_with("._") && is_media_name(name);
}

class FolderWalk {
 public:
  explicit FolderWalk(FolderFiles& found) : found_(found) {}

  // The errno value if this folder cannot be read.
  int visit(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error) return fault(folder, error);
    if (!seen_.insert(real).second) return 0;
    std::vector<fs::directory_entry> entries;
    if (const int fault = read(folder, entries); fault != 0) return fault;
    for (const fs::directory_entry& entry : entries) {
      const bool folder_below = entry.is_directory(error);
      if (error) fault(entry.path(), error);  // a link to nowhere is a file that is not there
      if (!folder_below) {
        found_.files.push_back(entry.path());
      } else if (const int below = visit(entry.path()); below != 0) {
        found_.left_out.push_back(
            {entry.path(), {remark::kFolderUnreadable, std::strerror(below)}});
      }
    }
    return 0;
  }

 private:
  static int fault(const fs::path& path, const std::error_code& error) {
    if (!is_fault_of_path(error.value())) fail_errno("reading " + path.string(), error.value());
    return error.value();
  }

  int read(const fs::path& folder, std::vector<fs::directory_entry>& entries) {
    std::error_code error;
    fs::directory_iterator iterator(folder, error);
    for (; !error && iterator != fs::directory_iterator(); iterator.increment(error)) {
      const std::string name = iterator->path().filename().string();
      if (name.front() != '.') {
        entries.push_back(*iterator);
      } else if (is_hidden_media(name)) {
        found_.left_out.push_back({iterator->path(), {remark::kHidden, {}}});
      }
    }
    if (error) return fault(folder, error);
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.path().native() < b.path().native(); });
    return 0;
  }

  FolderFiles& found_;
  std::set<fs::path> seen_;
};

}  // namespace

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

std::string lower_ending(const fs::path& name) { return lower(name.extension().string()); }

bool is_video_name(const fs::path& name) { return has_ending(name, kVideos); }
bool is_image_name(const fs::path& name) { return has_ending(name, kImages); }
bool is_caption_name(const fs::path& name) { return has_ending(name, kCaptions); }

bool is_tar_name(const fs::path& name) {
  const std::string text = lower(name.filename().string());
  return std::any_of(kTars.begin(), kTars.end(),
                     [&](std::string_view ending) { return text.ends_with(ending); });
}

FolderFiles walk_files(const fs::path& folder) {
  FolderFiles found;
  if (const int error = FolderWalk(found).visit(folder); error != 0) {
    fail_errno("reading folder " + folder.string(), error);
  }
  return found;
}

}  // namespace muybridge
