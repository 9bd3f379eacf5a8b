#include "data/folder_lock.h"

#include <sys/file.h>

#include "core/error.h"

namespace muybridge {

FolderLock::FolderLock(const std::filesystem::path& path, bool wait)
    : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (!file_) fail_errno("open(" + path.string() + ")", errno);
  while (::flock(file_.get(), LOCK_EX | (wait ? 0 : LOCK_NB)) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) fail_errno("flock(" + path.string() + ")", errno);
    fail(ExitCode::kUsage,
         "{}: another prepare is at work here; wait for its end, or share the work with --shard-of",
         path.parent_path().string());
  }
}

}  // namespace muybridge
