#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "data/shards/shard.h"

namespace muybridge {

// Which clips of the shards make up a corpus. Pure functions of what the shards hold, so that any
// number of processes that wrote them, in any order, end with the same corpus.
struct ChoiceRules {
  double held_out = 0;  // share of the clips whose record leaves the split open
  // Whole videos are held out where a corpus has many, parts of videos where it has few. Once it
  // was decided it stays, so that a clip does not change sides when the corpus grows.
  enum class HoldOut { kUndecided, kByVideo, kByPart } by = HoldOut::kUndecided;
  std::set<std::string> retired;  // sources (ClipRecord::source_identity) that count no more
};

struct ChosenClip {
  int shard = 0;
  int clip = 0;  // within the shard
  bool validation = false;
  bool operator==(const ChosenClip&) const = default;
};

struct Choice {
  std::vector<ChosenClip> clips;  // ordered by source, then by time
  ChoiceRules::HoldOut by = ChoiceRules::HoldOut::kUndecided;
  std::int64_t retired = 0;     // clips left out: of retired sources;
  std::int64_t duplicates = 0;  // that are there twice;
  std::int64_t shared = 0;      // to be trained on, but showing frames of held-out ones
};

// No frame is on both sides: clips of a video that share frames are held out together, and those
// to be trained on that share frames with ones that the corpus itself holds out are left out.
Choice choose_clips(const std::vector<ShardSummary>& shards, const ChoiceRules& rules);

}  // namespace muybridge
