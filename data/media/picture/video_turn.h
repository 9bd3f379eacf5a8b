#pragma once

#include <cstdint>

#include "data/media/picture/video_geometry.h"

namespace muybridge {

// RGB `from` [height, width, 3] to `to`, as `orientation` says it is to be seen.
void turn_rgb(const std::uint8_t* from, int height, int width, Orientation orientation,
              std::uint8_t* to);

}  // namespace muybridge
