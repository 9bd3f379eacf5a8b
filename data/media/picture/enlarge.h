#pragma once

#include <cstddef>
#include <cstdint>

#include "data/media/frames.h"

namespace muybridge {

// Copies a frame into `width` x `height` RGB pixels at `out`, each of its pixels as a square of
// `upscale`; what is right of and below it repeats its border. `stride` is in bytes.
void enlarge_frame(const Frames& frames, int index, int upscale, int width, int height,
                   std::uint8_t* out, std::ptrdiff_t stride);

}  // namespace muybridge
