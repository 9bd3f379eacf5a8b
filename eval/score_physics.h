#pragma once

#include <optional>
#include <vector>

#include "data/media/frames.h"
#include "eval/caption.h"
#include "eval/scores.h"

namespace muybridge {

// A point of a ball's way: seconds, and clip heights from the top.
struct HeightAt {
  double seconds = 0;
  double y = 0;
};

// The acceleration of free flight between bounces, in clip heights per second squared: pieces of
// parabola, as few as explain the points, without those in which the ball lies. nullopt if no such
// pieces fit, or none has five points: clips need 8 frames a second or more.
std::optional<double> fit_acceleration(const std::vector<HeightAt>& points);

// "color", "direction" (sideways or not, thrown up or falling from the start) and "gravity"
// (acceleration within kGravityTolerance of kGravity): 1 where right, 0 where wrong.
inline constexpr double kGravityTolerance = 0.2;
Scores score_physics(const Frames& frames, double fps, const Claim& claim);

}  // namespace muybridge
