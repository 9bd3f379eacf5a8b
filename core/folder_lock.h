#pragma once

#include <filesystem>
#include <limits>
#include <string>

#include "core/file_handle.h"

namespace muybridge {

// A file that one process at a time holds; the system lets go of it when that process ends.
class FolderLock {
 public:
  static constexpr double kForever = std::numeric_limits<double>::infinity();

  FolderLock() = default;  // holds nothing
  // Waits while another process holds it, and says so once. After `wait_seconds` throws
  // Error(kUsage) with `busy`, which tells the user what to do. Where the file system knows no
  // locks (ENOLCK, ENOTSUP, ENOSYS) a warning is logged, and nothing is held.
  FolderLock(const std::filesystem::path& path, double wait_seconds, const std::string& busy);

 private:
  FileHandle file_;
};

}  // namespace muybridge
