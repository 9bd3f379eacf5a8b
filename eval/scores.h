#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/media/frames.h"

namespace muybridge {

// A share of what the caption claims that the clip shows, by name: "color", "shape", "direction",
// "gravity"; each in [0, 1]. And kWholePrompt: 1 where all the others are, else 0.
using Scores = std::map<std::string, double>;
inline constexpr const char* kWholePrompt = "prompt";

// Measures decoded frames against a caption of the synthetic corpora; knows nothing else. nullopt
// if the caption claims nothing that can be measured (it is not of these corpora).
std::optional<Scores> score_clip(const Frames& frames, double fps, const std::string& caption);

// The same for a video file, of which it also takes the size and the rate. Throws Error as
// read_video does.
std::optional<Scores> score_video(const std::filesystem::path& file, const std::string& caption);

// What clips get on average that show things drawn by lot from the words of the corpus, all else
// being as asked for. 0 for gravity, which has no words. Empty for captions that claim nothing.
Scores chance_of(const std::string& caption);

// The mean of each name over the clips that have it.
Scores mean_scores(const std::vector<Scores>& clips);

struct ScoreSummary {
  double mean = 0;
  int clips = 0;      // that have this score
  double chance = 0;  // mean of chance_of these clips
};
using ScoreSummaries = std::map<std::string, ScoreSummary>;

struct ScoredClip {
  std::string caption;
  Scores scores;
};
ScoreSummaries summarize_scores(const std::vector<ScoredClip>& clips);

// "color 0.98 (72 clips, chance 0.17)"
std::string describe_score(const std::string& name, const ScoreSummary& summary);

}  // namespace muybridge
