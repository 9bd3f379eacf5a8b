#pragma once

#include <filesystem>

#include "data/file_handle.h"

namespace muybridge {

// A file of a folder that one process at a time holds; the system lets go of it when that ends.
class FolderLock {
 public:
  // If another process has it: waits, or throws Error(kUsage).
  FolderLock(const std::filesystem::path& path, bool wait);

 private:
  FileHandle file_;
};

}  // namespace muybridge
