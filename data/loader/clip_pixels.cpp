#include "data/loader/clip_pixels.h"

#include <algorithm>

namespace muybridge {

Tensor clip_pixels(const Tensor& tokens, const Grid& grid, const Grid& patch) {
  const std::int64_t token = tokens.shape().back(), channels = token / patch.tokens();
  require_shape("clip_pixels", "tokens", tokens, {grid.tokens(), patch.tokens() * channels});
  const std::int64_t frames = std::int64_t{grid.frames} * patch.frames,
                     height = std::int64_t{grid.height} * patch.height,
                     width = std::int64_t{grid.width} * patch.width;
  const Tensor pixels = Tensor::empty({frames, height, width, channels});
  const std::int64_t run = patch.width * channels;  // contiguous in both layouts
  const float* const in = tokens.data<float>();
  float* out = pixels.data<float>();
  for (std::int64_t t = 0; t < frames; ++t)
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < grid.width; ++x, out += run) {
        const std::int64_t place =
            (t / patch.frames * grid.height + y / patch.height) * grid.width + x;
        const std::int64_t inside = t % patch.frames * patch.height + y % patch.height;
        std::copy_n(in + place * token + inside * run, run, out);
      }
  return pixels;
}

}  // namespace muybridge
