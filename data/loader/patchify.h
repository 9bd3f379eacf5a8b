#pragma once

#include <cstdint>

#include "core/packing.h"

namespace muybridge {

// Pixels of one clip, [frames, height, width, channels].
struct PixelView {
  const std::uint8_t* data = nullptr;
  int frames = 0;
  int height = 0;
  int width = 0;
  int channels = 3;
};

// How many whole patches a clip holds along each axis; 0 where it is smaller than one. A clip of
// fewer frames than a patch still holds one: its last frame is repeated, so that pictures stand
// beside videos.
Grid patch_grid(int frames, int height, int width, const Grid& patch);

// Writes grid.tokens() vectors of patch.tokens() * channels floats, each in order (pt,ph,pw,c),
// with value u8 / 127.5 - 1. What is left over is cut off evenly at the picture's edges, and at the
// end of the clip.
void patchify(const PixelView& pixels, const Grid& grid, const Grid& patch, float* out);

}  // namespace muybridge
