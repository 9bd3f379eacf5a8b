#pragma once

#include <string_view>

namespace muybridge {

// What the gallery page looks like (CSS), the row of pictures at its head (SVG), and the script
// that plays the clips in view, stops them, and enlarges one.
extern const std::string_view kGalleryStyle;
extern const std::string_view kGalleryBand;
extern const std::string_view kGalleryScript;

}  // namespace muybridge
