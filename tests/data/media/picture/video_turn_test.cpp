#include "data/media/picture/video_turn.h"

#include <gtest/gtest.h>

#include <vector>

#include "data/media/picture/image_facts.h"

namespace muybridge {
namespace {

// EXIF names the sides of the seen picture at which the stored first row and first column lie.
struct Sides {
  bool rows_run_down_or_right;     // the first row is at the top, or at the left
  bool columns_run_right_or_down;  // the first column is at the left, or at the top
  bool sideways;                   // rows have become columns
};
constexpr Sides kSides[8] = {{true, true, false},  {true, false, false}, {false, false, false},
                             {false, true, false}, {true, true, true},   {false, true, true},
                             {false, false, true}, {true, false, true}};

TEST(VideoTurn, EveryOrientationOfExifIsSeenAsItSays) {
  constexpr int kHeight = 3, kWidth = 5;
  std::vector<std::uint8_t> stored;
  for (int i = 0; i < 3 * kHeight * kWidth; ++i) stored.push_back(static_cast<std::uint8_t>(i));
  for (unsigned value = 1; value <= 8; ++value) {
    const Sides& sides = kSides[value - 1];
    std::vector<std::uint8_t> seen(stored.size());
    turn_rgb(stored.data(), kHeight, kWidth, exif_orientation(value), seen.data());
    const int seen_width = sides.sideways ? kHeight : kWidth;
    for (int row = 0; row < kHeight; ++row) {
      for (int column = 0; column < kWidth; ++column) {
        const int down = sides.rows_run_down_or_right ? row : kHeight - 1 - row;
        const int right = sides.columns_run_right_or_down ? column : kWidth - 1 - column;
        const int x = sides.sideways ? down : right;
        const int y = sides.sideways ? right : down;
        for (int channel = 0; channel < 3; ++channel) {
          EXPECT_EQ(seen[static_cast<std::size_t>(3 * (y * seen_width + x) + channel)],
                    stored[static_cast<std::size_t>(3 * (row * kWidth + column) + channel)])
              << "orientation " << value << ", row " << row << ", column " << column;
        }
      }
    }
  }
}

}  // namespace
}  // namespace muybridge
