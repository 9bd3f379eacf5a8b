#include "core/system/folder_lock.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

#include "core/error.h"
#include "core/log.h"
#include "core/system/host_name.h"

namespace muybridge {
namespace {

struct Holder {
  std::string host;  // empty: the file does not say
  std::string process;

  bool elsewhere() const { return !host.empty() && host != host_name(); }
  std::string text() const {
    if (host.empty()) return "another process";
    return fmt::format("process {} on {}", process, elsewhere() ? host : "this machine");
  }
};

Holder read_holder(const FileHandle& file) {
  char content[320] = {};
  if (::pread(file.get(), content, sizeof content - 1, 0) <= 0) return {};
  const std::string_view line(content);
  const std::size_t space = line.find(' '), end = line.find('\n');
  if (space == std::string_view::npos || end == std::string_view::npos || end < space) return {};
  return {.host = std::string(line.substr(0, space)),
          .process = std::string(line.substr(space + 1, end - space - 1))};
}

// For others to read; the lock holds without it.
void write_holder(const FileHandle& file) {
  const std::string line = fmt::format("{} {}\n", host_name(), ::getpid());
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
    log_debug("a lock could not be signed: {}", std::strerror(errno));
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& path, double wait_seconds,
                       const std::string& busy, double lease_seconds)
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
    const Holder holder = read_holder(file_);
    const double limit = holder.elsewhere() ? std::max(wait_seconds, lease_seconds) : wait_seconds;
    const std::chrono::duration<double> waited = Clock::now() - begin;
    if (waited.count() >= limit)
      fail(holder.elsewhere() ? ExitCode::kRankLost : ExitCode::kUsage, "{} (it is {}{})", busy,
           holder.text(),
           holder.elsewhere()
               ? fmt::format("; if that machine is gone for good, remove {}", path.string())
               : "");
    if (!said && waited.count() >= std::min(1.0, limit / 2)) {
      said = true;
      log_info("{}: {} holds it; waiting{}", path.string(), holder.text(),
               std::isinf(limit) ? "" : fmt::format(", at most {:.0f} s", limit));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  write_holder(file_);
}

}  // namespace muybridge
