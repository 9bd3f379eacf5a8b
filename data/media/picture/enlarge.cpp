#include "data/media/picture/enlarge.h"

#include <algorithm>

namespace muybridge {

void enlarge_frame(const Frames& frames, int index, int upscale, int width, int height,
                   std::uint8_t* out, std::ptrdiff_t stride) {
  const std::uint8_t* in = frames.frame(index);
  for (int y = 0; y < height; ++y) {
    const int from = std::min(y / upscale, frames.height - 1);
    const std::uint8_t* row = in + std::size_t{3} * frames.width * from;
    std::uint8_t* to = out + stride * y;
    for (int x = 0; x < width; ++x, to += 3)
      std::copy_n(row + std::size_t{3} * std::min(x / upscale, frames.width - 1), 3, to);
  }
}

}  // namespace muybridge
