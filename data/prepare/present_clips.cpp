#include "data/prepare/present_clips.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

// "frames 16 there, 12 now".
std::string difference(const std::string& there, const std::string& now) {
  const nlohmann::json old_settings = nlohmann::json::parse(there);
  const nlohmann::json new_settings = nlohmann::json::parse(now);
  std::string text;
  for (const auto& [key, value] : old_settings.items()) {
    const nlohmann::json other = new_settings.value(key, nlohmann::json());
    if (other == value) continue;
    text += fmt::format("{}{} {} there, {} now", text.empty() ? "" : "; ", key, value.dump(),
                        other.dump());
  }
  return text.empty() ? "by another version of this program" : text;
}

}  // namespace

std::string source_identity(const std::string& video_hash, const ClipSource& source,
                            const std::string& settings) {
  const CropBox crop = source.crop.value_or(CropBox{});
  const std::string text = fmt::format("{}\n{}\n{} {} {} {} {} {}\n{}\n{}", video_hash, settings,
                                       source.cut_first, source.cut_end, crop.left, crop.right,
                                       crop.top, crop.bottom, source.split, source.caption);
  return hash_bytes(text.data(), text.size()).substr(0, ClipRecord::kIdentityDigits);
}

std::string clip_identity(const std::string& source_identity, std::int64_t clip) {
  return fmt::format("{}{:010x}", source_identity, clip);
}

PresentClips::PresentClips(const std::filesystem::path& folder, const std::string& settings) {
  for (const std::filesystem::path& path : list_shards(folder)) {
    const ShardReader shard(path);
    if (shard.settings() != settings) {
      fail(ExitCode::kUsage,
           "{} was prepared with other settings: {}; prepare into another folder, or with those",
           folder.string(), difference(shard.settings(), settings));
    }
    for (const ClipRecord& record : shard.records()) {
      if (!clips_.insert(record.content_hash).second) continue;
      const auto [found, added] = origin_of_.try_emplace(record.source_identity(), origins_.size());
      if (added) origins_.push_back({record.source_identity(), record.origin, record.source, 0});
      ++origins_[found->second].clips;
    }
    for (const FinishedSource& source : shard.finished_sources())
      finished_[source.identity] = source.clips;
  }
}

bool PresentClips::complete(const std::string& source_identity) const {
  const auto finished = finished_.find(source_identity);
  if (finished == finished_.end()) return false;
  const auto origin = origin_of_.find(source_identity);
  const std::int64_t there = origin == origin_of_.end() ? 0 : origins_[origin->second].clips;
  return there == finished->second;
}

}  // namespace muybridge
