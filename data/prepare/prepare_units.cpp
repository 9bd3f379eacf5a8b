#include "data/prepare/prepare_units.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file.h"

namespace muybridge {
namespace {

constexpr std::size_t kUnitDigits = 22;
constexpr int kMostClips = 0xFFFF;

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

std::string unit_identity(const std::string& video_hash, const ClipSource& source,
                          const std::string& settings, std::int64_t unit) {
  const CropBox crop = source.crop.value_or(CropBox{});
  const std::string text = fmt::format(
      "{}\n{}\n{} {} {} {} {} {} {}\n{}\n{}", video_hash, settings, unit, source.cut_first,
      source.cut_end, crop.left, crop.right, crop.top, crop.bottom, source.split, source.caption);
  return hash_bytes(text.data(), text.size()).substr(0, kUnitDigits);
}

std::string clip_identity(const std::string& unit, const ClipPlace& place) {
  if (place.clips > kMostClips) fail(ExitCode::kInternal, "a unit of {} clips", place.clips);
  return fmt::format("{}{:04x}{:04x}{:02x}", unit, place.clip, place.clips, place.last ? 1 : 0);
}

PresentUnits::PresentUnits(const std::filesystem::path& folder, const std::string& settings) {
  for (const std::filesystem::path& path : list_shards(folder)) {
    const ShardReader shard(path);
    if (shard.settings() != settings) {
      fail(ExitCode::kUsage,
           "{} was prepared with other settings: {}; prepare into another folder, or with those",
           folder.string(), difference(shard.settings(), settings));
    }
    for (const ClipRecord& record : shard.records()) {
      ++clips_;
      if (record.split == "validation") ++validation_clips_;
      if (record.content_hash.size() != kUnitDigits + 10) continue;
      const std::string name = record.content_hash.substr(0, kUnitDigits);
      Unit& unit = units_[name];
      const auto number = [&](std::size_t at, std::size_t digits) {
        return static_cast<int>(
            std::strtol(record.content_hash.substr(at, digits).c_str(), nullptr, 16));
      };
      if (++unit.seen == 1) origins_.push_back({name, record.source, path.filename().string()});
      unit.clips = number(kUnitDigits + 4, 4);
      unit.last = number(kUnitDigits + 8, 2) != 0;
    }
  }
}

PresentUnits::State PresentUnits::find(const std::string& unit) const {
  const auto found = units_.find(unit);
  if (found == units_.end() || found->second.seen < found->second.clips) return State::kAbsent;
  return found->second.last ? State::kPresentAndLast : State::kPresent;
}

}  // namespace muybridge
