#pragma once

#include <cstddef>
#include <cstdint>

namespace muybridge {

// How Y'CbCr of 8 bits is meant: the shares of red and blue in luma, and whether black is 0.
struct YuvColors {
  double red = 0.299;
  double blue = 0.114;
  bool full_range = false;
};

struct YuvPlanes {
  const std::uint8_t* data[3] = {};
  std::ptrdiff_t stride[3] = {};
};

// Planes of one size, that of the picture, to RGB [height, width, 3].
void paint_rgb(const YuvPlanes& planes, const YuvColors& colors, int height, int width,
               std::uint8_t* rgb);

}  // namespace muybridge
