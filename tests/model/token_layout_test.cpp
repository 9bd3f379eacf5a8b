#include "model/token_layout.h"

#include <gtest/gtest.h>

#include <cmath>

namespace muybridge {
namespace {

// Width 24: time, the rows and the columns of a picture have 8 each.
TEST(TokenLayout, SinesFollowEachTokensPlaceOnThreeAxes) {
  const Packing packing = Packing::of({{2, 1, 2}, {1, 3, 1}}, 9);
  const Tensor sines = sine_positions(packing, 24, DType::kF64);
  ASSERT_EQ(sines.shape(), (Shape{9, 24}));
  const struct {
    int row, frame, y, x;
  } tokens[] = {{0, 0, 0, 0}, {1, 0, 0, 1}, {2, 1, 0, 0}, {3, 1, 0, 1}, {4, 0, 0, 0}, {6, 0, 2, 0}};
  for (const auto& token : tokens) {
    const double* const got = sines.data<double>() + token.row * 24;
    const auto expect_axis = [&](int first, int width, int position) {
      for (int i = 0; i < width / 2; ++i) {
        const double angle = position * std::pow(10000.0, -2.0 * i / width);
        EXPECT_NEAR(got[first + i], std::sin(angle), 1e-6) << token.row << " " << first << " " << i;
        EXPECT_NEAR(got[first + width / 2 + i], std::cos(angle), 1e-6) << token.row << " " << first;
      }
    };
    expect_axis(0, 8, token.frame);
    expect_axis(8, 8, token.y);
    expect_axis(16, 8, token.x);
  }
  for (int i = 7 * 24; i < 9 * 24; ++i) EXPECT_EQ(sines.data<double>()[i], 0) << "slack";
}

TEST(TokenLayout, KnowsTheClipOfEveryToken) {
  const TokenLayout layout(Packing::of({{1, 1, 2}, {1, 3, 1}}, 6), RopeAxes::of_head_width(12, 1e4),
                           DType::kF32, Device::kCpu);
  EXPECT_EQ(layout.rope.shape(), (Shape{6, 12}));
  EXPECT_EQ(std::vector<std::int32_t>(layout.clips.pointer(), layout.clips.pointer() + 5),
            (std::vector<std::int32_t>{0, 0, 1, 1, 1}));
  EXPECT_FALSE(layout.sines.defined());
}

}  // namespace
}  // namespace muybridge
