#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace muybridge {

// Whether an errno value speaks of the path (not there, too long, a loop of links, no permission)
// and not of what the machine lacks (descriptors, memory, a disk or a server that answers).
bool is_fault_of_path(int error);

// What lies at a path, links followed. A fault of the path is kNothing with its errno value;
// whatever the machine lacks throws Error(kIo).
struct PathLook {
  enum class Kind { kNothing, kFile, kFolder, kOther };
  Kind kind = Kind::kNothing;
  int error = 0;

  bool is_file() const { return kind == Kind::kFile; }
  bool is_folder() const { return kind == Kind::kFolder; }
};
PathLook look_at(const std::filesystem::path& path);

// The beginning of a regular file, `most` bytes of it. A fault of the path is a problem; whatever
// the machine lacks throws Error(kIo).
struct FileHead {
  std::string text;
  std::string problem;
};
FileHead read_head(const std::filesystem::path& path, std::size_t most);

}  // namespace muybridge
