#pragma once

#include <string_view>

namespace muybridge {

// What the gallery page looks like (CSS), the row of pictures at its head (SVG), and the few lines
// of script that play only the clips in view.
extern const std::string_view kGalleryStyle;
extern const std::string_view kGalleryBand;
extern const std::string_view kGalleryScript;

}  // namespace muybridge
