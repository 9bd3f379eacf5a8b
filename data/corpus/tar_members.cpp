#include "data/corpus/tar_members.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstdlib>

#include "core/error.h"
#include "core/log.h"
#include "data/corpus/corpus_path.h"

namespace muybridge {
namespace {

struct ArchiveCloser {
  void operator()(archive* handle) const noexcept {
    if (archive_read_free(handle) != ARCHIVE_OK) log_warning("closing an archive failed");
  }
};
using ArchiveHandle = std::unique_ptr<archive, ArchiveCloser>;

// Why libarchive failed: damage in the archive, unless the system says that it lacks something.
std::string damage_of(archive* handle, const std::filesystem::path& path) {
  const int error = archive_errno(handle);
  if (error > 0 && !is_fault_of_path(error)) fail_errno("read(" + path.string() + ")", error);
  const char* text = archive_error_string(handle);
  return text == nullptr ? "unknown reason" : text;
}

ArchiveHandle open_archive(const std::filesystem::path& path) {
  if (look_at(path).kind == PathLook::Kind::kOther) {  // opening a pipe may wait for ever
    fail(ExitCode::kCorrupt, "not a tar archive that can be read: not a regular file");
  }
  ArchiveHandle handle(archive_read_new());
  archive_read_support_format_tar(handle.get());
  archive_read_support_format_empty(handle.get());
  archive_read_support_filter_gzip(handle.get());
  archive_read_support_filter_bzip2(handle.get());
  archive_read_support_filter_xz(handle.get());
  archive_read_support_filter_zstd(handle.get());
  constexpr std::size_t kBlock = 1 << 18;
  if (archive_read_open_filename(handle.get(), path.c_str(), kBlock) != ARCHIVE_OK) {
    fail(ExitCode::kCorrupt, "not a tar archive that can be read: {}",
         damage_of(handle.get(), path));
  }
  return handle;
}

std::optional<std::string> read_text(archive* handle, const std::filesystem::path& path,
                                     std::size_t bytes) {
  std::string text(bytes, '\0');
  std::size_t used = 0;
  while (used < bytes) {
    const la_ssize_t got = archive_read_data(handle, text.data() + used, bytes - used);
    if (got < 0) {
      damage_of(handle, path);
      return std::nullopt;
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  text.resize(used);
  return text;
}

}  // namespace

std::string visit_tar(const std::filesystem::path& path,
                      const std::function<void(const TarMember&)>& visit) {
  const ArchiveHandle handle = open_archive(path);
  archive_entry* entry = nullptr;
  for (std::int64_t index = 0;; ++index) {
    const int result = archive_read_next_header(handle.get(), &entry);
    if (result == ARCHIVE_EOF) return {};
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return damage_of(handle.get(), path);
    const char* name = archive_entry_pathname(entry);
    const bool link =
        archive_entry_hardlink(entry) != nullptr || archive_entry_filetype(entry) == AE_IFLNK;
    if (name == nullptr || (archive_entry_filetype(entry) != AE_IFREG && !link)) continue;
    const auto bytes = static_cast<std::uint64_t>(archive_entry_size(entry));
    TarMember member{.index = index,
                     .name = name,
                     .bytes = bytes,
                     .is_link = link,
                     .read = [&](std::size_t most) {
                       return read_text(handle.get(), path, std::min<std::uint64_t>(most, bytes));
                     }};
    visit(member);
  }
}

struct TarExtractor::State {
  std::filesystem::path scratch;
  std::filesystem::path path;
  ArchiveHandle handle;
  std::int64_t next = 0;
};

TarExtractor::TarExtractor(std::filesystem::path scratch) : state_(std::make_unique<State>()) {
  state_->scratch = std::move(scratch);
}
TarExtractor::~TarExtractor() = default;

FileHandle TarExtractor::extract(const std::filesystem::path& path, std::int64_t index) {
  State& state = *state_;
  if (state.path != path || state.next > index || !state.handle) {
    state.handle = open_archive(path);
    state.path = path;
    state.next = 0;
  }
  archive* handle = state.handle.get();
  archive_entry* entry = nullptr;
  for (; state.next <= index; ++state.next) {
    const int result = archive_read_next_header(handle, &entry);
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
      const std::string why =
          result == ARCHIVE_EOF ? "the archive has changed" : damage_of(handle, path);
      state.handle.reset();
      fail(ExitCode::kCorrupt, "{}", why);
    }
  }
  FileHandle file = open_nameless(state.scratch);
  const void* block = nullptr;
  std::size_t bytes = 0;
  la_int64_t offset = 0;
  for (;;) {
    const int result = archive_read_data_block(handle, &block, &bytes, &offset);
    if (result == ARCHIVE_EOF) return file;
    if (result != ARCHIVE_OK) {
      const std::string why = damage_of(handle, path);
      state.handle.reset();
      fail(ExitCode::kCorrupt, "{}", why);
    }
    // A sparse member has holes between its blocks.
    write_at(file, block, bytes, static_cast<std::uint64_t>(offset),
             "writing a member of an archive to a temporary file");
  }
}

}  // namespace muybridge
