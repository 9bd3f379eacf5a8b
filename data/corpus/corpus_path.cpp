#include "data/corpus/corpus_path.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/system/file_handle.h"

namespace muybridge {
namespace {

// The system would read such a path only up to the zero.
bool has_zero(const std::filesystem::path& path) {
  return path.native().find('\0') != std::string::npos;
}

}  // namespace

bool is_fault_of_path(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL:
    case EILSEQ:
    case EACCES:
    case EPERM:
    case ENXIO:
      return true;
    default:
      return false;
  }
}

PathLook look_at(const std::filesystem::path& path) {
  if (has_zero(path)) return {.error = EINVAL};
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) {
    if (!is_fault_of_path(errno)) fail_errno("stat(" + path.string() + ")", errno);
    return {.error = errno};
  }
  if (S_ISREG(state.st_mode)) return {PathLook::Kind::kFile};
  return {S_ISDIR(state.st_mode) ? PathLook::Kind::kFolder : PathLook::Kind::kOther};
}

FileHead read_head(const std::filesystem::path& path, std::size_t most) {
  const PathLook look = look_at(path);
  if (look.error != 0) return {.text = {}, .problem = std::strerror(look.error)};
  if (!look.is_file()) return {.text = {}, .problem = "not a regular file"};
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (!is_fault_of_path(errno)) fail_errno("open(" + path.string() + ")", errno);
    return {.text = {}, .problem = std::strerror(errno)};
  }
  constexpr std::size_t kBlock = 1 << 16;
  FileHead head;
  for (std::size_t used = 0; used < most;) {
    head.text.resize(std::min(most, used + std::max(used, kBlock)));
    const ssize_t got = ::read(file.get(), head.text.data() + used, head.text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno("read(" + path.string() + ")", errno);
    used += static_cast<std::size_t>(got);
    if (got == 0 || used == most) {
      head.text.resize(used);
      break;
    }
    head.text.resize(used);
  }
  return head;
}

}  // namespace muybridge
