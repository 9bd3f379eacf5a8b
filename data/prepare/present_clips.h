#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "data/corpus/corpus_listing.h"
#include "data/shards/shard.h"

namespace muybridge {

// The identity of a source: of the video's bytes, its caption, the part of it that is used, and the
// settings. The content hash of a clip is this and the clip's number.
std::string source_identity(const std::string& video_hash, const ClipSource& source,
                            const std::string& settings);
std::string clip_identity(const std::string& source_identity, std::int64_t clip);

// The clips that are in the committed shards of a folder.
class PresentClips {
 public:
  PresentClips() = default;

  // Throws Error(kUsage) if a shard was made with other settings, kCorrupt if one is damaged.
  PresentClips(const std::filesystem::path& folder, const std::string& settings);

  bool has(const std::string& clip_identity) const { return clips_.contains(clip_identity); }
  // All clips that the source gives are there.
  bool complete(const std::string& source_identity) const;

  // Each source whose clips are there.
  struct Origin {
    std::string identity;
    std::string corpus;  // ClipRecord::origin
    std::string name;    // ClipRecord::source
    std::int64_t clips = 0;
  };
  const std::vector<Origin>& origins() const { return origins_; }

 private:
  std::unordered_set<std::string> clips_;
  std::unordered_map<std::string, std::size_t> origin_of_;  // identity -> origins_
  std::unordered_map<std::string, std::int64_t> finished_;  // identity -> clips of the source
  std::vector<Origin> origins_;
};

}  // namespace muybridge
