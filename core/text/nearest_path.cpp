#include "core/text/nearest_path.h"

#include <algorithm>
#include <system_error>

#include "core/text/spelling.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostEntries = 10'000;  // of a folder; more are no list to choose from

// In the order of names, so that the answer does not depend on the disk.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  fs::directory_iterator entry(folder.empty() ? "." : folder, error);
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    if (entries.size() == kMostEntries) break;
    entries.push_back(folder / entry->path().filename());
  }
  std::ranges::sort(entries);
  return entries;
}

}  // namespace

std::string did_you_mean(const fs::path& wanted, const std::function<bool(const fs::path&)>& fits,
                         const std::vector<fs::path>& folders) {
  fs::path plain = wanted.lexically_normal();
  if (!plain.has_filename()) plain = plain.parent_path();  // "prepared/shapes/"
  std::vector<fs::path> places = {plain.parent_path()};
  places.insert(places.end(), folders.begin(), folders.end());
  for (const fs::path& place : places) {
    std::vector<std::string> names;
    for (const fs::path& entry : entries_of(place))
      if (entry != plain && fits(entry)) names.push_back(entry.filename().string());
    const std::string name = nearest(plain.filename().string(), names);
    if (!name.empty()) return "; did you mean " + (place / name).string() + "?";
  }
  return "";
}

}  // namespace muybridge
