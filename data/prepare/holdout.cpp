#include "data/prepare/holdout.h"

#include "core/file.h"

namespace muybridge {

bool Holdout::holds_out(const std::string& video_hash, const std::string& clip_hash) const {
  // Hashed once more: neighbouring clips have hashes that begin alike.
  const std::string key = "holdout " + (by_video_ ? video_hash : clip_hash);
  const std::string hash = hash_bytes(key.data(), key.size());
  constexpr double kAll = 4294967296.0;  // 2^32, the values of eight digits
  return static_cast<double>(std::stoull(hash.substr(0, 8), nullptr, 16)) < share_ * kAll;
}

}  // namespace muybridge
