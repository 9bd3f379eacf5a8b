#include "data/loader/clip_pixels.h"

#include <gtest/gtest.h>

#include <vector>

#include "data/loader/patchify.h"

namespace muybridge {
namespace {

TEST(ClipPixels, AreThoseThatBecameTokens) {
  constexpr int kFrames = 4, kHeight = 6, kWidth = 8, kChannels = 3;
  std::vector<std::uint8_t> bytes(std::size_t{kFrames} * kHeight * kWidth * kChannels);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 % 256);
  for (const Grid& patch : {Grid{1, 1, 1}, Grid{2, 3, 2}, Grid{1, 6, 4}}) {
    const Grid grid = patch_grid(kFrames, kHeight, kWidth, patch);
    const Tensor tokens = Tensor::empty({grid.tokens(), patch.tokens() * kChannels});
    patchify({bytes.data(), kFrames, kHeight, kWidth, kChannels}, grid, patch,
             tokens.data<float>());
    const Tensor pixels = clip_pixels(tokens, grid, patch);
    ASSERT_EQ(pixels.shape(), Shape({kFrames, kHeight, kWidth, kChannels}));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      ASSERT_NEAR(pixels.data<float>()[i], bytes[i] / 127.5 - 1, 1e-6) << i;
  }
}

}  // namespace
}  // namespace muybridge
