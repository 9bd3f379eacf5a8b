#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/corpus/corpus_listing.h"
#include "data/corpus/tar_members.h"
#include "data/decode/decode_worker.h"
#include "data/prepare/prepare_queue.h"
#include "data/prepare/prepare_settings.h"
#include "data/prepare/prepare_units.h"

namespace muybridge {

// Opens the sources of a corpus. Archives are read once, front to back: each source must be opened
// exactly once, and waits until those before it were.
class SourceOpener {
 public:
  SourceOpener(const std::vector<ClipSource>& sources, const std::filesystem::path& scratch);

  // Throws Error: kCorrupt if the source cannot be read, kIo if `scratch` is full.
  std::shared_ptr<OpenedSource> open(std::size_t index);

 private:
  const std::vector<ClipSource>& sources_;
  std::mutex mutex_;
  std::condition_variable turn_changed_;
  std::size_t turn_ = 0;
  TarExtractor extractor_;
};

// What all decoding threads share; nothing in it changes but `opener` and `queue`, which are safe.
struct PrepareContext {
  const PrepareSettings& settings;
  const std::string& settings_text;
  const std::vector<ClipSource>& sources;
  const PresentUnits& present;
  const DecodeLimits& limits;
  const std::atomic<bool>& stop;
  SourceOpener& opener;
  PrepareQueue& queue;
};

// A decoding thread: takes units from the queue until there are none, with one child process.
void run_prepare_decoder(const PrepareContext& context);

}  // namespace muybridge
