#include "data/prepare/source_queue.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/system/file.h"
#include "data/prepare/present_clips.h"

namespace muybridge {
namespace {

// What a file can be to blame for; anything else is the machine's.
bool is_of_the_file(int error) {
  for (const int known : {ENOENT, EACCES, EPERM, ELOOP, ENAMETOOLONG, ENOTDIR, EISDIR, ENXIO})
    if (error == known) return true;
  return false;
}

std::string hash_of(const FileHandle& file, const std::string& name) {
  Hasher hasher;
  std::vector<char> block(std::size_t{1} << 20);
  for (std::uint64_t place = 0;;) {
    const std::size_t got = read_at(file, block.data(), block.size(), place, "read(" + name + ")");
    if (got == 0) return hasher.hex();
    hasher.add(block.data(), got);
    place += got;
  }
}

void open_file(const ClipSource& source, OpenedSource& opened) {
  const int descriptor = ::open(source.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (!is_of_the_file(errno)) fail_errno("open(" + source.file.string() + ")", errno);
    opened.problem = std::strerror(errno);
    return;
  }
  opened.file = FileHandle(descriptor);
}

void check_file(const ClipSource& source, OpenedSource& opened) {
  struct stat status {};
  if (::fstat(opened.file.get(), &status) != 0)
    fail_errno("fstat(" + source.file.string() + ")", errno);
  if (!S_ISREG(status.st_mode)) {
    opened.problem = "not a regular file";
  } else if (status.st_size == 0) {
    opened.problem = "the file is empty";
  } else {
    opened.hash = hash_of(opened.file, source.file.string());
  }
}

}  // namespace

SourceQueue::SourceQueue(const std::vector<ClipSource>& sources, const std::string& settings,
                         const std::filesystem::path& scratch)
    : sources_(sources), settings_(settings), extractor_(scratch) {}

std::optional<OpenedSource> SourceQueue::next() {
  try {
    std::optional<OpenedSource> opened = open_next();
    if (opened) judge(*opened);
    return opened;
  } catch (...) {
    const std::scoped_lock lock(mutex_);
    failed_ = true;
    judged_.notify_all();
    throw;
  }
}

std::optional<OpenedSource> SourceQueue::open_next() {
  OpenedSource opened;
  {
    const std::scoped_lock lock(mutex_);
    if (next_ >= sources_.size()) return std::nullopt;
    opened.number = next_++;
    const ClipSource& source = sources_[opened.number];
    if (source.member >= 0) try {
        opened.file = extractor_.extract(source.file, source.member);
      } catch (const Error& error) {
        if (error.code() != ExitCode::kCorrupt) throw;
        opened.problem = error.what();
      }
  }
  const ClipSource& source = sources_[opened.number];
  if (source.member < 0) open_file(source, opened);
  if (opened.problem.empty()) check_file(source, opened);
  if (opened.problem.empty()) opened.identity = source_identity(opened.hash, source, settings_);
  return opened;
}

// In the order of the sources, whatever the order in which their bytes were read.
void SourceQueue::judge(OpenedSource& opened) {
  std::unique_lock lock(mutex_);
  judged_.wait(lock, [&] { return failed_ || judge_next_ == opened.number; });
  if (opened.problem.empty()) opened.twice = !identities_.insert(opened.identity).second;
  ++judge_next_;
  judged_.notify_all();
}

}  // namespace muybridge
