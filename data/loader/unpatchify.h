#pragma once

#include "core/packing.h"
#include "core/tensor.h"
#include "data/media/frames.h"

namespace muybridge {

// The inverse of patchify for RGB: tokens f32 [grid.tokens(), P], each in order (pt,ph,pw,c),
// become pixels; values outside [-1, 1] are clamped.
Frames unpatchify(const Tensor& tokens, const Grid& grid, const Grid& patch);

}  // namespace muybridge
