#include "eval/scores.h"

#include "eval/caption.h"
#include "eval/score_physics.h"
#include "eval/score_shapes.h"

namespace muybridge {

std::optional<Scores> score_clip(const Frames& frames, double fps, const std::string& caption) {
  const std::optional<Claims> claims = read_caption(caption);
  if (!claims || frames.count < 2) return std::nullopt;
  if (claims->kind == CorpusKind::kPhysics) {
    return score_physics(frames, fps, claims->things.front());
  }
  return score_shapes(frames, claims->things);
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

}  // namespace muybridge
