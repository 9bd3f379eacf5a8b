#pragma once

#include "data/media/frames.h"
#include "eval/scores.h"
#include "eval/scoring/caption.h"

namespace muybridge {

// "color", "direction" (sideways or not, thrown up or falling from the start) and "gravity" (the
// motion that was asked for, with an acceleration within kGravityTolerance of kGravity): 1 where
// right, 0 where wrong. All are 0 for a clip that does not show one round ball and nothing else.
// docs/scores.md has the tolerances.
inline constexpr double kGravityTolerance = 0.2;
Scores score_physics(const Frames& frames, double fps, const Claim& claim);

}  // namespace muybridge
