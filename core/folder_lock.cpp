#include "core/folder_lock.h"

#include <sys/file.h>

#include <chrono>
#include <thread>

#include "core/error.h"
#include "core/log.h"

namespace muybridge {

FolderLock::FolderLock(const std::filesystem::path& path, double wait_seconds,
                       const std::string& busy)
    : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  using Clock = std::chrono::steady_clock;
  if (!file_) fail_errno("open(" + path.string() + ")", errno);
  const Clock::time_point begin = Clock::now();
  bool said = false;
  while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == ENOLCK || errno == ENOTSUP || errno == ENOSYS) {
      log_warning(
          "{}: this file system has no locks ({}): going on without one, so start nothing else in "
          "this folder",
          path.string(), std::strerror(errno));
      file_.reset();
      return;
    }
    if (errno != EWOULDBLOCK) fail_errno("flock(" + path.string() + ")", errno);
    const std::chrono::duration<double> waited = Clock::now() - begin;
    if (waited.count() >= wait_seconds) fail(ExitCode::kUsage, "{}", busy);
    if (!said && waited.count() >= 1) {
      said = true;
      log_info("{}: another process holds it; waiting", path.string());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace muybridge
