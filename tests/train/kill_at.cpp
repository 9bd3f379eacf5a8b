// Preloaded into a process to end it at one of the calls that change files under a folder: with the
// signal that a power cut or an operator's kill -9 is nearest to, or with an error of the system.
//   KILL_UNDER   the folder; calls on other paths pass
//   KILL_AT=N    SIGKILL in place of the N-th call (from 1)
//   KILL_HALF=1  where that call writes, half of its bytes are written first
//   FAIL_AT=N    the N-th call fails with errno FAIL_ERRNO; FAIL_ON=1: so do all after it
//   KILL_LOG     a file that gets a line for each call: its name and path
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

long number(const char* name) {
  const char* text = std::getenv(name);
  return text ? std::atol(text) : 0;
}

std::string path_of(int descriptor) {
  char link[64], target[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = ::readlink(link, target, sizeof target);
  return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : "";
}

std::string path_at(int folder, const char* path) {
  if (path[0] == '/' || folder == AT_FDCWD) return path;
  return path_of(folder) + "/" + path;
}

void log_call(const char* call, const std::string& path) {
  const char* log = std::getenv("KILL_LOG");
  if (!log) return;
  const int file =
      static_cast<int>(::syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0666));
  const std::string line = std::string(call) + " " + path + "\n";
  [[maybe_unused]] const long wrote = ::syscall(SYS_write, file, line.data(), line.size());
  ::syscall(SYS_close, file);
}

void kill_here() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

std::atomic<long> calls{0};

// Counts the call; true when it is to fail. `half` does half of a write before a kill.
template <class Half>
bool visit(const char* call, const std::string& path, const Half& half) {
  static const char* under = std::getenv("KILL_UNDER");
  if (!under || path.compare(0, std::strlen(under), under) != 0) return false;
  const long here = ++calls;
  log_call(call, path);
  if (here == number("KILL_AT")) {
    if (number("KILL_HALF")) half();
    kill_here();
  }
  const long fail_at = number("FAIL_AT");
  if (fail_at == 0 || here < fail_at || (here > fail_at && !number("FAIL_ON"))) return false;
  errno = static_cast<int>(number("FAIL_ERRNO"));
  return true;
}
bool visit(const char* call, const std::string& path) {
  return visit(call, path, [] {});
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool changes_files(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0; }

mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

#define OPEN(NAME)                                                         \
  int NAME(const char* path, int flags, ...) {                             \
    va_list arguments;                                                     \
    va_start(arguments, flags);                                            \
    const mode_t mode = mode_of(flags, arguments);                         \
    va_end(arguments);                                                     \
    if (changes_files(flags) && visit("open", path)) return -1;            \
    return next<int (*)(const char*, int, ...)>(#NAME)(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(NAME)                                                                    \
  int NAME(int folder, const char* path, int flags, ...) {                              \
    va_list arguments;                                                                  \
    va_start(arguments, flags);                                                         \
    const mode_t mode = mode_of(flags, arguments);                                      \
    va_end(arguments);                                                                  \
    if (changes_files(flags) && visit("open", path_at(folder, path))) return -1;        \
    return next<int (*)(int, const char*, int, ...)>(#NAME)(folder, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int file, const void* data, size_t bytes) {
  const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  if (visit("write", path_of(file), [&] { real(file, data, bytes / 2); })) return -1;
  return real(file, data, bytes);
}

#define PWRITE(NAME, OFFSET)                                                                    \
  ssize_t NAME(int file, const void* data, size_t bytes, OFFSET offset) {                       \
    const auto real = next<ssize_t (*)(int, const void*, size_t, OFFSET)>(#NAME);               \
    if (visit("write", path_of(file), [&] { real(file, data, bytes / 2, offset); })) return -1; \
    return real(file, data, bytes, offset);                                                     \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define ON_FILE(NAME, LABEL)                    \
  int NAME(int file) {                          \
    if (visit(LABEL, path_of(file))) return -1; \
    return next<int (*)(int)>(#NAME)(file);     \
  }
ON_FILE(fsync, "fsync")
ON_FILE(fdatasync, "fsync")

#define TRUNCATE(NAME, OFFSET)                            \
  int NAME(int file, OFFSET size) {                       \
    if (visit("truncate", path_of(file))) return -1;      \
    return next<int (*)(int, OFFSET)>(#NAME)(file, size); \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int truncate(const char* path, off_t size) {
  if (visit("truncate", path)) return -1;
  return next<int (*)(const char*, off_t)>("truncate")(path, size);
}

int rename(const char* from, const char* to) {
  if (visit("rename", to)) return -1;
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned int flags) {
  if (visit("rename", path_at(to_folder, to))) return -1;
  return next<int (*)(int, const char*, int, const char*, unsigned int)>("renameat2")(
      from_folder, from, to_folder, to, flags);
}

int mkdir(const char* path, mode_t mode) {
  if (visit("mkdir", path)) return -1;
  return next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

int unlinkat(int folder, const char* path, int flags) {
  if (visit("unlink", path_at(folder, path))) return -1;
  return next<int (*)(int, const char*, int)>("unlinkat")(folder, path, flags);
}

#define ON_PATH(NAME)                               \
  int NAME(const char* path) {                      \
    if (visit("unlink", path)) return -1;           \
    return next<int (*)(const char*)>(#NAME)(path); \
  }
ON_PATH(unlink)
ON_PATH(rmdir)
ON_PATH(remove)

}  // extern "C"
