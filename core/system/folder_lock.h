#pragma once

#include <filesystem>
#include <limits>
#include <string>

#include "core/system/file_handle.h"

namespace muybridge {

// A file that one process at a time holds; the system lets go of it when that process ends. The
// file says who holds it: host and process.
//
// On a network file system the lock of a machine that died lives on for a while: until its lease is
// over, 90 s on NFS. So a lock that another machine holds is waited for at least kLeaseSeconds.
class FolderLock {
 public:
  static constexpr double kForever = std::numeric_limits<double>::infinity();
  static constexpr double kLeaseSeconds = 120;

  FolderLock() = default;  // holds nothing
  // Waits while another process holds it, and says so once, for whom and how long. After
  // `wait_seconds`, or the lease, throws Error with `busy`, which tells the user what to do, and
  // the holder: kUsage, and kRankLost, which launchers try again, where another machine holds it.
  // Where the file system knows no locks (ENOLCK, ENOTSUP, ENOSYS) a warning is logged, and nothing
  // is held.
  FolderLock(const std::filesystem::path& path, double wait_seconds, const std::string& busy,
             double lease_seconds = kLeaseSeconds);

 private:
  FileHandle file_;
};

}  // namespace muybridge
