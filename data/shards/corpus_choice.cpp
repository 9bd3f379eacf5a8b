#include "data/shards/corpus_choice.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

using HoldOut = ChoiceRules::HoldOut;

constexpr std::size_t kManyVideos = 50;
constexpr std::size_t kLeastClips = 10;  // a corpus of so many has one that is held out

struct Candidate {
  const ClipRecord* record = nullptr;
  ChosenClip place;
  bool left_out = false;

  double begin() const { return record->start_seconds; }
  double end() const { return begin() + record->frames / (record->fps > 0 ? record->fps : 1); }
  bool open() const { return record->split.empty(); }
};

// Clips of one video that share frames with each other, directly or through others; candidates
// [first, last).
struct Part {
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t open = 0;  // of its clips
  std::string key;       // of the video, and where in it the part begins
};

bool by_source(const Candidate& a, const Candidate& b) {
  const auto key = [](const Candidate& c) {
    return std::tie(c.record->source, c.record->start_seconds, c.record->content_hash,
                    c.place.shard, c.place.clip);
  };
  return key(a) < key(b);
}

std::string video_of(const ClipRecord& record) {
  return record.video_hash.empty() ? record.source : record.video_hash;
}

bool by_video(const Candidate& a, const Candidate& b) {
  const std::string left = video_of(*a.record), right = video_of(*b.record);
  return std::tie(left, a.record->start_seconds) < std::tie(right, b.record->start_seconds);
}

// `clips` are ordered by video and time.
std::vector<Part> parts_of(const std::vector<Candidate>& clips) {
  std::vector<Part> parts;
  double end = 0;
  for (std::size_t i = 0; i < clips.size(); ++i) {
    const ClipRecord& record = *clips[i].record;
    const double half_frame = record.fps > 0 ? 0.5 / record.fps : 0.5;
    const bool same_video = i > 0 && video_of(record) == video_of(*clips[i - 1].record);
    if (same_video && clips[i].begin() < end - half_frame) {
      parts.back().last = i + 1;
      end = std::max(end, clips[i].end());
    } else {
      parts.push_back(
          {i, i + 1, 0, fmt::format("{} {:.3f}", video_of(record), record.start_seconds)});
      end = clips[i].end();
    }
    parts.back().open += clips[i].open() ? 1 : 0;
  }
  return parts;
}

// Below `share` of all keys.
bool chosen(const std::string& key, double share) {
  constexpr double kAll = 4294967296.0;  // 2^32, the values of eight digits
  const std::string hash = hash_bytes(key.data(), key.size());
  return static_cast<double>(std::stoull(hash.substr(0, 8), nullptr, 16)) < share * kAll;
}

// Marks the parts whose clips without a split are held out.
std::vector<bool> held_out(const std::vector<Candidate>& clips, const std::vector<Part>& parts,
                           const ChoiceRules& rules, HoldOut by) {
  std::vector<bool> out(parts.size(), false);
  std::size_t open = 0, held = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string key =
        by == HoldOut::kByVideo ? video_of(*clips[parts[i].first].record) : parts[i].key;
    out[i] = parts[i].open > 0 && chosen("holdout " + key, rules.held_out);
    open += parts[i].open;
    held += out[i] ? parts[i].open : 0;
  }
  if (rules.held_out > 0 && open >= kLeastClips && held == 0) {
    // The part with the fewest clips, and of those the one that its hash picks.
    const auto rank = [&](std::size_t i) {
      return std::make_pair(parts[i].open, hash_bytes(parts[i].key.data(), parts[i].key.size()));
    };
    std::size_t best = parts.size();
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (parts[i].open > 0 && parts[i].open < open &&
          (best == parts.size() || rank(i) < rank(best)))
        best = i;
    if (best < parts.size()) out[best] = true;
  }
  return out;
}

std::size_t count_videos(const std::vector<Candidate>& clips) {
  std::unordered_set<std::string> videos;
  for (const Candidate& clip : clips) videos.insert(video_of(*clip.record));
  return videos.size();
}

std::vector<Candidate> candidates_of(const std::vector<ShardSummary>& shards,
                                     const ChoiceRules& rules, Choice& choice) {
  std::vector<Candidate> clips;
  for (std::size_t s = 0; s < shards.size(); ++s) {
    const std::vector<ClipRecord>& records = shards[s].records;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (rules.retired.contains(records[i].source_identity())) {
        ++choice.retired;
        continue;
      }
      clips.push_back({&records[i], {static_cast<int>(s), static_cast<int>(i), false}});
    }
  }
  std::ranges::sort(clips, by_source);
  std::unordered_set<std::string> seen;
  const auto twice = [&](const Candidate& clip) {
    const std::string& hash = clip.record->content_hash;
    return !hash.empty() && !seen.insert(hash).second;
  };
  choice.duplicates = static_cast<std::int64_t>(std::erase_if(clips, twice));
  return clips;
}

}  // namespace

Choice choose_clips(const std::vector<ShardSummary>& shards, const ChoiceRules& rules) {
  Choice choice;
  std::vector<Candidate> clips = candidates_of(shards, rules, choice);
  std::ranges::stable_sort(clips, by_video);
  choice.by = rules.by;
  if (choice.by == HoldOut::kUndecided)
    choice.by = count_videos(clips) >= kManyVideos ? HoldOut::kByVideo : HoldOut::kByPart;

  const std::vector<Part> parts = parts_of(clips);
  const std::vector<bool> out = held_out(clips, parts, rules, choice.by);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    bool any_out = false;
    for (std::size_t c = parts[i].first; c < parts[i].last; ++c) {
      clips[c].place.validation = clips[c].open() ? out[i] : clips[c].record->split == "validation";
      any_out = any_out || clips[c].place.validation;
    }
    if (!any_out) continue;
    for (std::size_t c = parts[i].first; c < parts[i].last; ++c) {
      clips[c].left_out = !clips[c].place.validation;
      choice.shared += clips[c].left_out ? 1 : 0;
    }
  }
  std::erase_if(clips, [](const Candidate& clip) { return clip.left_out; });
  std::ranges::sort(clips, by_source);
  for (const Candidate& clip : clips) choice.clips.push_back(clip.place);
  return choice;
}

}  // namespace muybridge
