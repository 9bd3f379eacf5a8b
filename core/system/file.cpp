#include "core/system/file.h"

// Compiled here, for this machine: three times as fast as the library, which knows SSE2 only.
// GCC 12 warns of its own AVX-512 header (its bug 105593).
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <xxhash.h>
#pragma GCC diagnostic pop

#include <cstdio>
#include <memory>
#include <vector>

#include "core/error.h"
#include "core/system/file_handle.h"
#include "core/system/temporary_file.h"

namespace muybridge {
namespace {

// A descriptor and the path it was opened with, for messages.
class OpenFile {
 public:
  OpenFile(const std::filesystem::path& path, int flags) : path_(path.string()) {
    int descriptor;
    do descriptor = ::open(path_.c_str(), flags | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) fail_errno("open(" + path_ + ")", errno);
    file_ = FileHandle(descriptor);
  }

  std::size_t read(char* out, std::size_t bytes) const {
    ssize_t got;
    do got = ::read(file_.get(), out, bytes);
    while (got < 0 && errno == EINTR);
    if (got < 0) fail_errno("read(" + path_ + ")", errno);
    return static_cast<std::size_t>(got);
  }

  void write_all(std::string_view content) const {
    while (!content.empty()) {
      const ssize_t wrote = ::write(file_.get(), content.data(), content.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) fail_errno("write(" + path_ + ")", errno);
      content.remove_prefix(static_cast<std::size_t>(wrote));
    }
  }

  void sync() const {
    if (::fsync(file_.get()) != 0) fail_errno("fsync(" + path_ + ")", errno);
  }

 private:
  std::string path_;
  FileHandle file_;
};

std::string to_hex(XXH128_hash_t hash) {
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const OpenFile file(path, O_RDONLY);
  std::string content;
  std::size_t used = 0;
  for (;;) {
    content.resize(used + (1 << 16));
    const std::size_t got = file.read(content.data() + used, content.size() - used);
    used += got;
    if (got == 0) break;
  }
  content.resize(used);
  return content;
}

void sync_path(const std::filesystem::path& path) { OpenFile(path, O_RDONLY).sync(); }

void write_file_durably(const std::filesystem::path& path, std::string_view content) {
  TemporaryFile temporary(path);
  {
    const OpenFile file(temporary.path(), O_WRONLY | O_CREAT | O_TRUNC);
    file.write_all(content);
    file.sync();
  }
  temporary.publish();
}

void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    fail_errno("rename(" + from.string() + ", " + to.string() + ")", errno);
  sync_path(parent_of(to));
}

void append_line(const std::filesystem::path& path, std::string_view line) {
  const OpenFile file(path, O_WRONLY | O_CREAT | O_APPEND);
  std::string whole(line);
  whole += '\n';
  file.write_all(whole);
}

struct Hasher::State {
  XXH3_state_t* xxh = XXH3_createState();
  ~State() { XXH3_freeState(xxh); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  if (state_->xxh == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state_->xxh);
}
Hasher::~Hasher() = default;

void Hasher::add(const void* data, std::size_t bytes) {
  XXH3_128bits_update(state_->xxh, data, bytes);
}

std::string Hasher::hex() const { return to_hex(XXH3_128bits_digest(state_->xxh)); }

std::string hash_file(const std::filesystem::path& path) {
  const OpenFile file(path, O_RDONLY);
  Hasher hasher;
  std::vector<char> block(1 << 20);
  while (const std::size_t got = file.read(block.data(), block.size()))
    hasher.add(block.data(), got);
  return hasher.hex();
}

std::string hash_bytes(const void* data, std::size_t bytes) {
  return to_hex(XXH3_128bits(data, bytes));
}

}  // namespace muybridge
