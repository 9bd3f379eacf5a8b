#pragma once

#include "core/packing.h"
#include "core/tensor.h"

namespace muybridge {

// The inverse of patchify: tokens f32 [grid.tokens(), P], each in order (pt,ph,pw,c), become f32
// [frames, height, width, c].
Tensor clip_pixels(const Tensor& tokens, const Grid& grid, const Grid& patch);

}  // namespace muybridge
