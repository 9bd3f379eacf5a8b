#pragma once

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/system/file_handle.h"
#include "data/corpus/corpus_listing.h"
#include "data/corpus/tar_members.h"

namespace muybridge {

// A source that was opened.
struct OpenedSource {
  std::size_t number = 0;
  FileHandle file;
  std::string hash;      // of its bytes
  std::string identity;  // of its bytes, its caption and the settings
  bool twice = false;    // a source before it is the same
  std::string problem;   // not empty: what keeps it from being read; there is no file then
};

// Hands the sources of a corpus out, one at a time and in order, so that an archive is read once,
// front to back. Thread-safe: whatever the threads, of sources that are the same the first counts.
class SourceQueue {
 public:
  // The names refer to what must outlive the queue.
  SourceQueue(const std::vector<ClipSource>& sources, const std::string& settings,
              const std::filesystem::path& scratch);

  // The next source; nothing when all were handed out. Throws Error(kIo) where the machine failed
  // and not the file: no descriptor or memory is left, the disk or the network failed.
  std::optional<OpenedSource> next();

 private:
  std::optional<OpenedSource> open_next();
  void judge(OpenedSource& opened);

  const std::vector<ClipSource>& sources_;
  const std::string& settings_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  TarExtractor extractor_;
  std::condition_variable judged_;
  std::size_t judge_next_ = 0;
  bool failed_ = false;
  std::unordered_set<std::string> identities_;
};

}  // namespace muybridge
