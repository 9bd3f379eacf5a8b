#pragma once

#include "data/media/frames.h"
#include "eval/caption.h"
#include "eval/scores.h"

namespace muybridge {

// "color", "shape" and "direction" of one or two shapes moving on a plain ground: 1 where right,
// 0 where wrong, 0.5 where right for one of two. A clip in which nothing compact can be seen in at
// least half of the frames scores 0. Things of other colours than claimed lower "color".
Scores score_shapes(const Frames& frames, const std::vector<Claim>& claims);

}  // namespace muybridge
