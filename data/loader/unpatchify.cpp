#include "data/loader/unpatchify.h"

#include <algorithm>
#include <cmath>

namespace muybridge {

Frames unpatchify(const Tensor& tokens, const Grid& grid, const Grid& patch) {
  constexpr int kChannels = 3;
  const std::int64_t token = patch.tokens() * kChannels;
  require_shape("unpatchify", "tokens", tokens, {grid.tokens(), token});
  Frames frames{.count = grid.frames * patch.frames,
                .height = grid.height * patch.height,
                .width = grid.width * patch.width,
                .rgb = {}};
  frames.rgb.resize(frames.frame_bytes() * static_cast<std::size_t>(frames.count));
  const std::int64_t run = std::int64_t{patch.width} * kChannels;  // contiguous in both layouts
  const float* const in = tokens.data<float>();
  for (int t = 0; t < frames.count; ++t)
    for (int y = 0; y < frames.height; ++y)
      for (int w = 0; w < grid.width; ++w) {
        const std::int64_t place =
            (std::int64_t{t / patch.frames} * grid.height + y / patch.height) * grid.width + w;
        const std::int64_t inside =
            (std::int64_t{t % patch.frames} * patch.height + y % patch.height) * run;
        const float* const values = in + place * token + inside;
        std::uint8_t* const out =
            frames.frame(t) + std::int64_t{y} * frames.width * kChannels + w * run;
        for (std::int64_t i = 0; i < run; ++i)
          out[i] = static_cast<std::uint8_t>(
              std::lround(std::clamp((values[i] + 1.0F) * 127.5F, 0.0F, 255.0F)));
      }
  return frames;
}

}  // namespace muybridge
