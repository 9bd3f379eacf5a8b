#include "eval/scoring/segment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "data/synthetic/synthetic.h"

namespace muybridge {
namespace {

TEST(Segment, TheGroundIsTheMedianWhateverThingsPass) {
  Frames frames{2, 2, 5, {}};
  for (int i = 0; i < 2 * 2 * 5; ++i) {
    const bool thing = i % 5 == 1, lower = i % 10 >= 5;
    for (const int level : {lower ? 90 : 10, 20, 30})
      frames.rgb.push_back(static_cast<std::uint8_t>(thing ? 255 : level));
  }
  const Ground ground = ground_by_rows(frames);
  ASSERT_EQ(ground.size(), 2U);
  EXPECT_EQ(ground[0], (Rgb{10, 20, 30}));
  EXPECT_EQ(ground[1], (Rgb{90, 20, 30}));
  EXPECT_EQ(plain_ground(frames)[0][1], 20);
  EXPECT_EQ(ground_at(plain_ground(frames), 1), plain_ground(frames)[0]);
  const std::vector<float> away = difference(frames, 0, ground);
  EXPECT_EQ(away[0], 0);
  EXPECT_EQ(away[1], 245);
}

TEST(Segment, APartHasOneLabelAndCornersDoNotConnect) {
  // A dot is -1, a letter its own label.
  const std::string rows =
      "aa..b"
      "aa.b."
      "..bbb"
      "..cb.";
  std::vector<int> labels;
  for (const char c : rows) labels.push_back(c == '.' ? -1 : c - 'a');
  const std::vector<Part> parts = connected_parts(labels, 5);
  ASSERT_EQ(parts.size(), 4U);
  std::vector<Part> sorted = parts;
  for (Part& part : sorted) std::sort(part.begin(), part.end());
  EXPECT_EQ(sorted[0], (Part{8, 12, 13, 14, 18}));
  EXPECT_EQ(sorted[1], (Part{0, 1, 5, 6}));
  EXPECT_EQ(sorted[2], Part{4}) << "first of two of one size";
  EXPECT_EQ(sorted[3], Part{17});
  EXPECT_TRUE(connected_parts({-1, -1}, 2).empty());
}

TEST(Segment, APixelIsExplainedByAColorAndItsShare) {
  const Ground ground = {{10, 20, 30}};
  for (std::size_t k = 0; k < kColors.size(); ++k) {
    for (const double share : {0.3, 0.6, 1.0}) {
      Frames frames{1, 1, 1, {}};
      for (std::size_t c = 0; c < 3; ++c)
        frames.rgb.push_back(static_cast<std::uint8_t>(
            ground[0][c] + share * (kColors[k].rgb[c] - ground[0][c]) + 0.5));
      const Explanation seen = explain(frames, 0, ground);
      EXPECT_EQ(seen.color[0], static_cast<int>(k));
      EXPECT_NEAR(seen.cover[0], share, 0.01);
    }
  }
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
