#include "data/loader/patchify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace muybridge {
namespace {

std::vector<std::uint8_t> numbered(int count) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    pixels[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i * 37 + i / 251);
  return pixels;
}

// The definition, one element at a time.
std::vector<float> slowly(const PixelView& view, const Grid& grid, const Grid& patch) {
  std::vector<float> out;
  const int top = (view.height - grid.height * patch.height) / 2;
  const int left = (view.width - grid.width * patch.width) / 2;
  for (int t = 0; t < grid.frames; ++t)
    for (int y = 0; y < grid.height; ++y)
      for (int x = 0; x < grid.width; ++x)
        for (int pt = 0; pt < patch.frames; ++pt)
          for (int ph = 0; ph < patch.height; ++ph)
            for (int pw = 0; pw < patch.width; ++pw)
              for (int c = 0; c < view.channels; ++c) {
                const int frame = std::min(t * patch.frames + pt, view.frames - 1);
                const int row = top + y * patch.height + ph;
                const int column = left + x * patch.width + pw;
                const int place =
                    ((frame * view.height + row) * view.width + column) * view.channels + c;
                out.push_back(static_cast<float>(2 * view.data[place] - 255) * (1.0F / 255.0F));
              }
  return out;
}

TEST(Patchify, FollowsItsDefinitionForAnySize) {
  for (const Grid& patch :
       {Grid{1, 2, 2}, Grid{2, 4, 4}, Grid{1, 1, 1}, Grid{3, 8, 16}, Grid{2, 3, 5}})
    for (const int channels : {1, 3, 4})
      for (const int extra : {0, 1}) {
        PixelView view;
        view.frames = 2 * patch.frames + (extra && patch.frames > 1);
        view.height = 3 * patch.height + extra * (patch.height - 1);
        view.width = 5 * patch.width + extra * (patch.width - 1);
        view.channels = channels;
        const auto pixels = numbered(view.frames * view.height * view.width * channels);
        view.data = pixels.data();
        const Grid grid = patch_grid(view.frames, view.height, view.width, patch);
        EXPECT_EQ(grid, (Grid{2, 3, 5}));
        std::vector<float> out(static_cast<std::size_t>(grid.tokens() * patch.tokens() * channels),
                               99.0F);
        patchify(view, grid, patch, out.data());
        EXPECT_EQ(out, slowly(view, grid, patch));
      }
}

TEST(Patchify, SpreadsBytesFromMinusOneToOne) {
  std::vector<std::uint8_t> pixels(256);
  std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
  std::vector<float> out(256);
  patchify({pixels.data(), 1, 1, 256, 1}, {1, 1, 256}, {1, 1, 1}, out.data());
  EXPECT_EQ(out.front(), -1.0F);
  EXPECT_EQ(out.back(), 1.0F);
  for (int v = 0; v < 256; ++v) EXPECT_NEAR(out[static_cast<std::size_t>(v)], v / 127.5 - 1, 1e-7);
}

TEST(Patchify, RepeatsTheFrameOfAPicture) {
  const std::vector<std::uint8_t> pixels = {0, 255};
  const Grid patch{2, 1, 2};
  const Grid grid = patch_grid(1, 1, 2, patch);
  EXPECT_EQ(grid, (Grid{1, 1, 1}));
  std::vector<float> out(4);
  patchify({pixels.data(), 1, 1, 2, 1}, grid, patch, out.data());
  EXPECT_EQ(out, (std::vector<float>{-1, 1, -1, 1}));
}

TEST(PatchGrid, IsEmptyForAClipSmallerThanAPatch) {
  EXPECT_EQ(patch_grid(4, 3, 8, {1, 4, 4}).tokens(), 0);
  EXPECT_EQ(patch_grid(0, 8, 8, {1, 4, 4}).tokens(), 0);
}

}  // namespace
}  // namespace muybridge
