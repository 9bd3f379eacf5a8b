#include "data/media/picture/video_paint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/data/media/picture_frames.h"

namespace muybridge {
namespace {

TestFrame noise(int width, int height) {
  TestFrame frame = blank_frame(AV_PIX_FMT_YUV420P, width, height);
  for (int plane = 0; plane < 3; ++plane) {
    const int columns = plane == 0 ? width : (width + 1) / 2;
    const int rows = plane == 0 ? height : (height + 1) / 2;
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) {
        set_sample(*frame, plane, x, y, (x * 37 + y * 91 + plane * 57 + x * y * 13) % 256);
      }
    }
  }
  return frame;
}

// Chroma at a place of the picture of luma, on straight lines between the stored ones.
double chroma_at(const AVFrame& frame, int plane, int x, int y, double left, double top) {
  const auto split = [](int at, double offset, int count, int& low, int& high, double& share) {
    const double place = std::clamp((at - offset) / 2, 0.0, count - 1.0);
    low = static_cast<int>(place);
    high = std::min(low + 1, count - 1);
    share = place - low;
  };
  int x0, x1, y0, y1;
  double right, below;
  split(x, left, (frame.width + 1) / 2, x0, x1, right);
  split(y, top, (frame.height + 1) / 2, y0, y1, below);
  const auto value = [&](int column, int row) {
    return double{frame.data[plane][row * frame.linesize[plane] + column] * 1.0};
  };
  return (1 - below) * ((1 - right) * value(x0, y0) + right * value(x1, y0)) +
         below * ((1 - right) * value(x0, y1) + right * value(x1, y1));
}

void expect_painted(const AVFrame& frame, const PictureColors& colors, const PicturePlan& plan,
                    double left, double top) {
  std::optional<PicturePainter> painter = PicturePainter::of(colors);
  ASSERT_TRUE(painter);
  const auto bytes = std::size_t{3} * static_cast<std::size_t>(plan.crop_width) *
                     static_cast<std::size_t>(plan.crop_height);
  std::vector<std::uint8_t> rgb(bytes + 64, 0xA5);
  painter->paint(frame, plan, rgb.data());
  for (int y = 0; y < plan.crop_height; ++y) {
    for (int x = 0; x < plan.crop_width; ++x) {
      const int column = plan.crop_x + x;
      const int row = plan.crop_y + y;
      const std::array<double, 3> yuv = {
          double{frame.data[0][row * frame.linesize[0] + column] * 1.0},
          chroma_at(frame, 1, column, row, left, top), chroma_at(frame, 2, column, row, left, top)};
      for (int channel = 0; channel < 3; ++channel) {
        const double wanted = shown_channel(yuv, colors.matrix, colors.full_range, channel);
        ASSERT_NEAR(rgb[static_cast<std::size_t>(3 * (y * plan.crop_width + x) + channel)], wanted,
                    0.62)
            << frame.width << "x" << frame.height << " at " << column << "," << row;
      }
    }
  }
  EXPECT_EQ(std::count(rgb.end() - 64, rgb.end(), 0xA5), 64) << "written behind the picture";
}

TEST(VideoPaint, FollowsTheDefinitionForEveryMatrixAndRange) {
  const TestFrame frame = noise(66, 34);
  for (const AVColorSpace matrix : {AVCOL_SPC_BT709, AVCOL_SPC_BT470BG, AVCOL_SPC_SMPTE170M,
                                    AVCOL_SPC_FCC, AVCOL_SPC_SMPTE240M, AVCOL_SPC_BT2020_NCL}) {
    for (const bool full_range : {false, true}) {
      const PictureColors colors{.matrix = matrix, .full_range = full_range};
      expect_painted(*frame, colors, whole_plan(66, 34), 0, 0.5);
    }
  }
}

TEST(VideoPaint, ChromaIsTakenFromItsPlace) {
  const TestFrame frame = noise(37, 21);
  for (const auto& [place, left, top] : {std::tuple{AVCHROMA_LOC_LEFT, 0.0, 0.5},
                                         {AVCHROMA_LOC_CENTER, 0.5, 0.5},
                                         {AVCHROMA_LOC_TOPLEFT, 0.0, 0.0},
                                         {AVCHROMA_LOC_TOP, 0.5, 0.0},
                                         {AVCHROMA_LOC_BOTTOMLEFT, 0.0, 1.0},
                                         {AVCHROMA_LOC_BOTTOM, 0.5, 1.0}}) {
    expect_painted(*frame, {.chroma = place}, whole_plan(37, 21), left, top);
  }
}

TEST(VideoPaint, EverySizeIsPaintedWhole) {
  for (int width = 1; width < 600; width += width < 70 ? 1 : 31) {
    const int height = 1 + width % 4;
    expect_painted(*noise(width, height), {}, whole_plan(width, height), 0, 0.5);
  }
}

// Chroma of a part lies where it lies in the whole, also where the part begins between two.
TEST(VideoPaint, PartsAreThePixelsOfTheWhole) {
  const TestFrame frame = noise(40, 30);
  for (const auto& [x, y] : {std::pair{0, 0}, {1, 0}, {0, 1}, {7, 5}, {12, 8}}) {
    PicturePlan plan = whole_plan(40, 30);
    plan.crop_x = x;
    plan.crop_y = y;
    plan.crop_width = 27;
    plan.crop_height = 21;
    expect_painted(*frame, {.chroma = AVCHROMA_LOC_CENTER}, plan, 0.5, 0.5);
  }
}

TEST(VideoPaint, LeavesOtherColorsToTheGraph) {
  EXPECT_TRUE(PicturePainter::of({}));
  EXPECT_FALSE(PicturePainter::of({.transfer = AVCOL_TRC_SMPTE2084}));
  EXPECT_FALSE(PicturePainter::of({.primaries = AVCOL_PRI_BT2020}));
  EXPECT_FALSE(PicturePainter::of({.matrix = AVCOL_SPC_YCGCO}));
}

TEST(VideoPaint, LaysTransparentPartsOverWhite) {
  const std::uint8_t red[] = {0, 100, 50}, green[] = {0, 0, 25}, blue[] = {0, 0, 0};
  const std::uint8_t alpha[] = {0, 255, 127};
  std::array<std::uint8_t, 9> rgb{};
  EXPECT_TRUE(lay_over_white(red, green, blue, alpha, 3, rgb.data()));
  EXPECT_EQ(rgb, (std::array<std::uint8_t, 9>{255, 255, 255, 100, 0, 0, 178, 153, 128}));
  EXPECT_FALSE(lay_over_white(red + 1, green + 1, blue + 1, alpha + 1, 1, rgb.data()));

  const std::uint16_t deep[] = {0, 65535, 32768};
  rgb = {9, 9, 9, 7, 8, 9, 0, 100, 255};
  EXPECT_TRUE(lay_over_white(deep, 3, rgb.data()));
  EXPECT_EQ(rgb, (std::array<std::uint8_t, 9>{255, 255, 255, 7, 8, 9, 127, 177, 255}));
}

}  // namespace
}  // namespace muybridge
