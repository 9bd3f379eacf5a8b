#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/corpus/corpus_listing.h"
#include "data/shards/shard.h"

namespace muybridge {

// The identity of a unit: of the video's bytes, the caption, the part of the video, the settings,
// and which of its units it is. 22 hex digits.
std::string unit_identity(const std::string& video_hash, const ClipSource& source,
                          const std::string& settings, std::int64_t unit);

// Which clip of its unit a clip is; with the identity of the unit it makes
// ClipRecord::content_hash.
struct ClipPlace {
  int clip = 0;
  int clips = 1;      // of the unit
  bool last = false;  // the unit is the last of its video
};
std::string clip_identity(const std::string& unit, const ClipPlace& place);

// Units whose clips are all in the committed shards of a folder.
class PresentUnits {
 public:
  PresentUnits() = default;

  // Throws Error(kUsage) if a shard was made with other settings, kCorrupt if one is damaged.
  PresentUnits(const std::filesystem::path& folder, const std::string& settings);

  enum class State { kAbsent, kPresent, kPresentAndLast };
  State find(const std::string& unit) const;

  std::int64_t clips() const { return clips_; }
  std::int64_t validation_clips() const { return validation_clips_; }

  // Units of a source, by its name, that `is_current` does not accept: made from an older version
  // of the file or its caption.
  struct Origin {
    std::string unit;
    std::string source;
    std::string shard;
  };
  const std::vector<Origin>& origins() const { return origins_; }

 private:
  struct Unit {
    int seen = 0;
    int clips = 0;
    bool last = false;
  };
  std::unordered_map<std::string, Unit> units_;
  std::vector<Origin> origins_;
  std::int64_t clips_ = 0;
  std::int64_t validation_clips_ = 0;
};

}  // namespace muybridge
