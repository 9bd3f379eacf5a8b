#include "data/loader/patchify.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

namespace muybridge {
namespace {

// v / 127.5 - 1, rounded once, and exact at both ends; a division would take most of the time.
void to_floats(const std::uint8_t* bytes, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(2 * bytes[i] - 255) * (1.0F / 255.0F);
}

// Deals a line of pixels out to the patches it crosses: `run` bytes to each, `stride` apart. A run
// known when compiling is one or two moves.
template <int Run>
void deal(const std::uint8_t* line, std::int64_t patches, std::int64_t stride, std::uint8_t* out) {
  for (std::int64_t i = 0; i < patches; ++i) std::memcpy(out + i * stride, line + i * Run, Run);
}

void deal(std::int64_t run, const std::uint8_t* line, std::int64_t patches, std::int64_t stride,
          std::uint8_t* out) {
  switch (run) {
    case 3:
      return deal<3>(line, patches, stride, out);
    case 6:
      return deal<6>(line, patches, stride, out);
    case 12:
      return deal<12>(line, patches, stride, out);
    case 24:
      return deal<24>(line, patches, stride, out);
    case 48:
      return deal<48>(line, patches, stride, out);
    default:
      for (std::int64_t i = 0; i < patches; ++i) std::copy_n(line + i * run, run, out + i * stride);
  }
}

}  // namespace

Grid patch_grid(int frames, int height, int width, const Grid& patch) {
  return {frames > 0 ? std::max(frames / patch.frames, 1) : 0, height / patch.height,
          width / patch.width};
}

void patchify(const PixelView& pixels, const Grid& grid, const Grid& patch, float* out) {
  const std::int64_t channels = pixels.channels;
  const std::int64_t run = patch.width * channels;
  const std::int64_t token = patch.tokens() * channels;
  const std::int64_t row_bytes = pixels.width * channels;
  const int top = (pixels.height - grid.height * patch.height) / 2;
  const int left = (pixels.width - grid.width * patch.width) / 2;
  // A row of patches is put in order as bytes, which stay in the first cache, then converted.
  std::vector<std::uint8_t> strip(static_cast<std::size_t>(grid.width * token));
  for (int t = 0; t < grid.frames; ++t)
    for (int y = 0; y < grid.height; ++y, out += std::ssize(strip)) {
      for (int pt = 0; pt < patch.frames; ++pt)
        for (int py = 0; py < patch.height; ++py) {
          const std::int64_t frame = std::min(t * patch.frames + pt, pixels.frames - 1);
          const std::int64_t row = top + y * patch.height + py;
          deal(run, pixels.data + (frame * pixels.height + row) * row_bytes + left * channels,
               grid.width, token, strip.data() + (pt * patch.height + py) * run);
        }
      to_floats(strip.data(), std::ssize(strip), out);
    }
}

}  // namespace muybridge
