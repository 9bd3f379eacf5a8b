#include "data/media/video_paint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace muybridge {
namespace {

// The definition, in floating point.
int expected(const YuvColors& colors, int channel, int y, int u, int v) {
  const double luma = colors.full_range ? y : (y - 16) * 255.0 / 219;
  const double scale = colors.full_range ? 1 : 255.0 / 224;
  const double blue = (u - 128) * scale * 2 * (1 - colors.blue);
  const double red = (v - 128) * scale * 2 * (1 - colors.red);
  const double green = -(colors.red * red + colors.blue * blue) / (1 - colors.red - colors.blue);
  const double value = luma + (channel == 0 ? red : channel == 1 ? green : blue);
  return static_cast<int>(std::lround(std::clamp(value, 0.0, 255.0)));
}

TEST(VideoPaint, FollowsTheDefinitionToOneLevel) {
  for (const YuvColors& colors :
       {YuvColors{}, YuvColors{0.2126, 0.0722, false}, YuvColors{0.2126, 0.0722, true},
        YuvColors{0.2627, 0.0593, false}}) {
    std::vector<std::uint8_t> y, u, v;
    for (int a = 0; a < 256; a += 5) {
      for (int b = 0; b < 256; b += 15) {
        for (int c = 0; c < 256; c += 15) {
          y.push_back(static_cast<std::uint8_t>(a));
          u.push_back(static_cast<std::uint8_t>(b));
          v.push_back(static_cast<std::uint8_t>(c));
        }
      }
    }
    const int width = static_cast<int>(y.size());
    std::vector<std::uint8_t> rgb(3 * y.size());
    paint_rgb({.data = {y.data(), u.data(), v.data()}, .stride = {width, width, width}}, colors, 1,
              width, rgb.data());
    for (std::size_t i = 0; i < rgb.size(); ++i) {
      const std::size_t p = i / 3;
      ASSERT_NEAR(rgb[i], expected(colors, static_cast<int>(i % 3), y[p], u[p], v[p]), 1);
    }
  }
}

// Every width, with strides that are wider, and nothing behind the picture is touched.
TEST(VideoPaint, EveryWidthIsPaintedWhole) {
  for (int width = 1; width < 600; width += width < 70 ? 1 : 31) {
    const int height = 3;
    const std::ptrdiff_t stride = width + 7;
    std::vector<std::uint8_t> planes[3];
    for (int plane = 0; plane < 3; ++plane) {
      for (int i = 0; i < height * stride; ++i) {
        planes[plane].push_back(static_cast<std::uint8_t>(40 + (i * 31 + plane * 57) % 150));
      }
    }
    std::vector<std::uint8_t> rgb(static_cast<std::size_t>(3 * width * height) + 64, 0xA5);
    paint_rgb({.data = {planes[0].data(), planes[1].data(), planes[2].data()},
               .stride = {stride, stride, stride}},
              {}, height, width, rgb.data());
    for (int row = 0; row < height; ++row) {
      for (int x = 0; x < width; ++x) {
        const auto at = static_cast<std::size_t>(row * stride + x);
        for (int channel = 0; channel < 3; ++channel) {
          ASSERT_NEAR(rgb[static_cast<std::size_t>(3 * (row * width + x) + channel)],
                      expected({}, channel, planes[0][at], planes[1][at], planes[2][at]), 1)
              << width << " " << x;
        }
      }
    }
    EXPECT_EQ(std::count(rgb.end() - 64, rgb.end(), 0xA5), 64) << width;
  }
}

}  // namespace
}  // namespace muybridge
