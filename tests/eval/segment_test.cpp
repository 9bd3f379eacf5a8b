#include "eval/segment.h"

#include <gtest/gtest.h>

#include "data/synthetic/synthetic.h"

namespace muybridge {
namespace {

// A mask from rows of text; '#' is set.
Mask mask_of(const std::vector<std::string>& rows) {
  Mask mask{static_cast<int>(rows.size()), static_cast<int>(rows[0].size()), {}};
  for (const std::string& row : rows)
    for (const char c : row) mask.pixels.push_back(c == '#' ? 1 : 0);
  return mask;
}

TEST(Segment, TheGroundIsTheMedianWhateverThingsPass) {
  Frames frames{2, 2, 5, {}};
  for (int i = 0; i < 2 * 2 * 5; ++i) {
    const bool thing = i % 5 == 1, lower = i % 10 >= 5;
    for (const int level : {lower ? 90 : 10, 20, 30})
      frames.rgb.push_back(static_cast<std::uint8_t>(thing ? 255 : level));
  }
  const std::vector<Rgb> rows = median_rows(frames);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], (Rgb{10, 20, 30}));
  EXPECT_EQ(rows[1], (Rgb{90, 20, 30}));
  EXPECT_EQ(median_color(frames)[1], 20);
  const std::vector<float> away = difference(frames, 0, rows);
  EXPECT_EQ(away[0], 0);
  EXPECT_EQ(away[1], 245);
}

TEST(Segment, OnlyTheLargestPartIsKeptAndCornersDoNotConnect) {
  const Mask mask = mask_of({"##...",  //
                             "##.#.",  //
                             "..###",  //
                             "...#."});
  EXPECT_EQ(largest_part(mask).pixels, mask_of({".....",  //
                                                "...#.",  //
                                                "..###",  //
                                                "...#."})
                                           .pixels);
  EXPECT_EQ(mask.area(), 9U);
  EXPECT_EQ(largest_part(mask_of({"...", "..."})).area(), 0U);
}

TEST(Segment, ThePeakIgnoresOnePixelInAHundred) {
  std::vector<float> values(200, 1.0F);
  values[7] = 100;
  EXPECT_EQ(peak_of(values), 1.0F);
  values[8] = 50;
  EXPECT_EQ(peak_of(values), 50.0F);
}

TEST(Segment, AThingHasItsCentreAndItsShareOfTheBox) {
  const Mask square = mask_of({".....", ".##..", ".##..", "....."});
  const std::vector<float> cover(square.pixels.begin(), square.pixels.end());
  const Sighting seen = sight(square, cover, 3);
  EXPECT_EQ(seen.frame, 3);
  EXPECT_NEAR(seen.x, 1.5, 1e-9);
  EXPECT_NEAR(seen.y, 1.5, 1e-9);
  EXPECT_NEAR(seen.fill, 1, 1e-9);
  const Mask plus = mask_of({".#.", "###", ".#."});
  EXPECT_NEAR(sight(plus, {plus.pixels.begin(), plus.pixels.end()}, 0).fill, 5.0 / 9, 1e-9);
}

TEST(Segment, TheVelocityIsTheSlopeOfTheLineThroughAllSightings) {
  std::vector<Sighting> path;
  for (const int frame : {0, 1, 3, 6})
    path.push_back({.frame = frame, .x = 10 + 1.5 * frame, .y = 7 - 0.25 * frame});
  EXPECT_NEAR(velocity_of(path).x, 1.5, 1e-9);
  EXPECT_NEAR(velocity_of(path).y, -0.25, 1e-9);
  EXPECT_EQ(velocity_of({path[0]}).x, 0);
}

TEST(Segment, AColorHasTheNameOfItsNearest) {
  for (const NamedColor& known : kColors) {
    EXPECT_EQ(nearest_color({known.rgb[0] * 1.0, known.rgb[1] * 1.0, known.rgb[2] * 1.0}),
              known.name);
    EXPECT_EQ(nearest_color({known.rgb[0] * 0.9, known.rgb[1] * 0.9, known.rgb[2] * 0.9}),
              known.name);
  }
  EXPECT_EQ(nearest_color({0, 0, 0}), "");
}

}  // namespace
}  // namespace muybridge
