#pragma once

#include <vector>

#include "core/tape.h"

// Clips of frames with channels innermost, [T,H,W,C].
namespace muybridge {

// The same numbers, of another shape.
Var reshape(const Var& x, const Shape& shape);
// Frames [begin, begin + count) of x.
Var some_frames(const Var& x, std::int64_t begin, std::int64_t count);
// The frames of all, one after another; undefined ones are left out. Throws std::invalid_argument
// where they differ in more than their number.
Var join_frames(const std::vector<Var>& clips);
// Each place becomes a square of `by` times `by`: [T, by H, by W, C].
Var enlarge(const Var& x, std::int64_t by);
// Two frames of each, of the first and of the second half of its channels: [2T,H,W,C/2].
Var frames_of_channels(const Var& x);

}  // namespace muybridge
