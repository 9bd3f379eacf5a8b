#include "eval/scoring/things.h"

#include <gtest/gtest.h>

#include "tests/eval/scoring/stage.h"

namespace muybridge {
namespace {

constexpr int kSize = 32;
const NamedColor kRed = {"red", {235, 45, 45}};
const NamedColor kBlue = {"blue", {50, 85, 240}};
const NamedColor kGrey = {"grey", {110, 110, 110}};

std::optional<std::vector<Track>> track(const Frames& frames, std::size_t count) {
  return track_things(frames, plain_ground(frames), count);
}

// A red circle that goes to the right below, and what else is drawn.
Frames scene(const std::function<void(Canvas&, int)>& more) {
  return stage(kSize, [&](Canvas& canvas, int t) {
    canvas.draw(Shape2d::kCircle, 8 + t, 22, 5, kRed);
    more(canvas, t);
  });
}

TEST(TrackThings, FollowsOneThingByItsCentreAndColor) {
  const auto tracks = track(scene([](Canvas&, int) {}), 1);
  ASSERT_TRUE(tracks.has_value());
  ASSERT_EQ(tracks->front().size(), 16U);
  for (const Sighting& seen : tracks->front()) {
    EXPECT_NEAR(seen.x, 8 + seen.frame, 0.1);
    EXPECT_NEAR(seen.y, 22, 0.1);
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(seen.color[c], kRed.rgb[c], 1);
  }
  EXPECT_EQ(color_of(tracks->front()), "red");
}

TEST(TrackThings, KeepsTwoApartThatPassEachOther) {
  const Frames frames =
      scene([](Canvas& canvas, int t) { canvas.draw(Shape2d::kSquare, 24 - t, 9, 4, kBlue); });
  const auto tracks = track(frames, 2);
  ASSERT_TRUE(tracks.has_value());
  for (const Track& one : *tracks) {
    const bool red = color_of(one) == "red";
    for (const Sighting& seen : one)
      EXPECT_NEAR(seen.x, red ? 8 + seen.frame : 24 - seen.frame, 0.1);
  }
  EXPECT_FALSE(track(frames, 1).has_value()) << "one too many";
}

TEST(TrackThings, SeesWhateverStandsOutBesides) {
  EXPECT_FALSE(track(scene([](Canvas&, int) {}), 2).has_value()) << "one is missing";
  for (const NamedColor& color : {kRed, kBlue, kGrey, NamedColor{"orange", {255, 140, 0}}}) {
    const auto beside = [&](Canvas& canvas, int) {
      canvas.draw(Shape2d::kSquare, 16, 7, 1.5, color);
    };
    EXPECT_FALSE(track(scene(beside), 1).has_value()) << color.name;
  }
  const auto touching = [](Canvas& canvas, int t) {
    canvas.draw(Shape2d::kSquare, 8 + t, 14, 3, kBlue);
  };
  EXPECT_FALSE(track(scene(touching), 1).has_value());
}

TEST(TrackThings, PassesOverOneBadFrameInSixteenButNotOverTwo) {
  for (const int bad : {1, 2}) {
    const Frames frames = scene([&](Canvas& canvas, int t) {
      if (t >= 7 && t < 7 + bad) canvas.draw(Shape2d::kSquare, 16, 8, 3, kBlue);
    });
    EXPECT_EQ(track(frames, 1).has_value(), bad == 1);
  }
}

TEST(TrackThings, RefusesThingsOfImpossibleSize) {
  for (const auto& [radius, good] : {std::pair{0.8, false}, {5.0, true}, {10.0, false}}) {
    const Frames frames = stage(kSize, [radius = radius](Canvas& canvas, int) {
      canvas.draw(Shape2d::kSquare, 16, 16, radius, kRed);
    });
    EXPECT_EQ(track(frames, 1).has_value(), good) << radius;
  }
  const Frames bar = stage(kSize, [](Canvas& canvas, int) {
    for (int x = 6; x <= 26; ++x) canvas.draw(Shape2d::kSquare, x, 16, 2, kRed);
  });
  EXPECT_FALSE(track(bar, 1).has_value());
}

TEST(ColorOf, IsEmptyWhereItChanges) {
  const auto tracks = track(
      stage(kSize, [](Canvas& canvas,
                      int t) { canvas.draw(Shape2d::kCircle, 16, 16, 5, t % 2 ? kRed : kBlue); }),
      1);
  ASSERT_TRUE(tracks.has_value());
  EXPECT_EQ(color_of(tracks->front()), "");
}

}  // namespace
}  // namespace muybridge
