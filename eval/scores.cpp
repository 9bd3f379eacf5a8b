#include "eval/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "data/media/video_reader.h"
#include "data/synthetic/synthetic.h"
#include "eval/scoring/caption.h"
#include "eval/scoring/score_physics.h"
#include "eval/scoring/score_shapes.h"

namespace muybridge {
namespace {

// Pixels of the shorter side. Larger clips tell no more, and the squares that an upscaled clip
// shows for its pixels become pixels again.
constexpr int kLargestSide = 32;

// How a clip of this size is read: scaled down evenly where it is larger than needed.
SizeOptions size_to_read(const VideoInfo& info) {
  const int side = std::min(info.width, info.height);
  if (side <= kLargestSide) return {};
  const auto scaled = [&](int length) { return (length * kLargestSide + side / 2) / side; };
  return {.resize = Resize::kCover, .width = scaled(info.width), .height = scaled(info.height)};
}

// How many different words for each claim the captions of a corpus have.
struct Vocabulary {
  std::set<std::string> colors, shapes;
  std::set<std::pair<int, int>> directions;
};

Vocabulary vocabulary_of(CorpusKind kind) {
  Vocabulary words;
  for (const std::string& prompt : evaluation_prompts(kind)) {
    const std::optional<Claims> claims = read_caption(prompt);
    for (const Claim& claim : claims->things) {
      words.colors.insert(claim.color);
      words.shapes.insert(claim.shape);
      words.directions.insert({claim.x, claim.y});
    }
  }
  return words;
}

Scores with_whole_prompt(Scores scores) {
  const bool all = std::ranges::all_of(scores, [](const auto& each) { return each.second == 1; });
  scores[kWholePrompt] = all ? 1 : 0;
  return scores;
}

}  // namespace

std::optional<Scores> score_clip(const Frames& frames, double fps, const std::string& caption) {
  const std::optional<Claims> claims = read_caption(caption);
  if (!claims || frames.count < 2) return std::nullopt;
  if (claims->kind == CorpusKind::kPhysics) {
    return with_whole_prompt(score_physics(frames, fps, claims->things.front()));
  }
  return with_whole_prompt(score_shapes(frames, claims->things));
}

std::optional<Scores> score_video(const std::filesystem::path& file, const std::string& caption) {
  const VideoInfo info = VideoReader(file).info();
  ReadOptions options;
  options.size = size_to_read(info);
  return score_clip(read_video(file, options), info.fps, caption);
}

Scores chance_of(const std::string& caption) {
  const std::optional<Claims> claims = read_caption(caption);
  if (!claims) return {};
  const Vocabulary words = vocabulary_of(claims->kind);
  const auto one_of = [](const auto& set) { return 1.0 / static_cast<double>(set.size()); };
  Scores chance = {{"color", one_of(words.colors)}, {"direction", one_of(words.directions)}};
  if (claims->things.size() == 2) {  // two different colours, both right
    const auto colors = static_cast<double>(words.colors.size());
    chance["color"] = 2 / (colors * (colors - 1));
  }
  if (claims->kind == CorpusKind::kShapes)
    chance["shape"] = one_of(words.shapes);
  else
    chance["gravity"] = 0;
  double whole = chance["color"];
  for (const auto& [name, share] : chance)
    if (name != "color") whole *= std::pow(share, static_cast<double>(claims->things.size()));
  chance[kWholePrompt] = whole;
  return chance;
}

Scores mean_scores(const std::vector<Scores>& clips) {
  Scores sums, counts;
  for (const Scores& clip : clips) {
    for (const auto& [name, value] : clip) {
      sums[name] += value;
      counts[name] += 1;
    }
  }
  for (auto& [name, sum] : sums) sum /= counts[name];
  return sums;
}

ScoreSummaries summarize_scores(const std::vector<ScoredClip>& clips) {
  ScoreSummaries result;
  for (const ScoredClip& clip : clips) {
    const Scores chance = chance_of(clip.caption);
    for (const auto& [name, value] : clip.scores) {
      ScoreSummary& summary = result[name];
      summary.mean += value;
      ++summary.clips;
      const auto found = chance.find(name);
      if (found != chance.end()) summary.chance += found->second;
    }
  }
  for (auto& [name, summary] : result) {
    summary.mean /= summary.clips;
    summary.chance /= summary.clips;
  }
  return result;
}

std::string describe_score(const std::string& name, const ScoreSummary& summary) {
  return fmt::format("{} {:.2f} ({} clip{}, chance {:.2f})", name, summary.mean, summary.clips,
                     summary.clips == 1 ? "" : "s", summary.chance);
}

}  // namespace muybridge
