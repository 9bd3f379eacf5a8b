#include "core/system/file_handle.h"

#include <cerrno>
#include <cstdlib>

#include "core/error.h"

namespace muybridge {

FileHandle open_to_read(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail_errno("open(" + path.string() + ")", errno);
  return FileHandle(descriptor);
}

FileHandle open_nameless(const std::filesystem::path& folder) {
  FileHandle file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  std::string name = (folder / ".nameless-XXXXXX").string();  // where the system has no O_TMPFILE
  file = FileHandle(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) fail_errno("mkostemp(" + name + ")", errno);
  ::unlink(name.c_str());
  return file;
}

void write_at(const FileHandle& file, const void* data, std::size_t bytes, std::uint64_t place,
              const std::string& what) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t wrote = ::pwrite(file.get(), from, bytes, static_cast<off_t>(place));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail_errno(what, errno);
    from += wrote;
    place += static_cast<std::uint64_t>(wrote);
    bytes -= static_cast<std::size_t>(wrote);
  }
}

std::size_t read_at(const FileHandle& file, void* data, std::size_t bytes, std::uint64_t place,
                    const std::string& what) {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got = ::pread(file.get(), static_cast<char*>(data) + done, bytes - done,
                                static_cast<off_t>(place + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno(what, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace muybridge
