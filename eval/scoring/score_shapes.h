#pragma once

#include "data/media/frames.h"
#include "eval/scores.h"
#include "eval/scoring/caption.h"

namespace muybridge {

// "color", "shape" and "direction" of one or two shapes moving on a plain ground: 1 where right,
// 0 where wrong, 0.5 where right for one of two. All are 0 for a clip that does not show exactly as
// many things as claimed, and for two things of other colours than claimed. docs/scores.md has the
// tolerances.
Scores score_shapes(const Frames& frames, const std::vector<Claim>& claims);

}  // namespace muybridge
