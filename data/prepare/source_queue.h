#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/system/file_handle.h"
#include "data/corpus/corpus_listing.h"
#include "data/corpus/tar_members.h"

namespace muybridge {

// A source that was opened.
struct OpenedSource {
  std::size_t number = 0;
  FileHandle file;
  std::string hash;     // of its bytes
  std::string problem;  // not empty: what keeps it from being read; there is no file then
};

// Hands the sources of a corpus out, one at a time and in order, so that an archive is read once,
// front to back. Thread-safe.
class SourceQueue {
 public:
  SourceQueue(const std::vector<ClipSource>& sources, const std::filesystem::path& scratch);

  // The next source; nothing when all were handed out. Throws Error(kIo) where the machine failed
  // and not the file: no descriptor or memory is left, the disk or the network failed.
  std::optional<OpenedSource> next();

 private:
  const std::vector<ClipSource>& sources_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  TarExtractor extractor_;
};

}  // namespace muybridge
