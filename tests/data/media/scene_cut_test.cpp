#include "data/media/scene_cut.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "data/media/frames.h"
#include "data/synthetic/synthetic.h"

namespace muybridge {
namespace {

constexpr int kHeight = 60;
constexpr int kWidth = 80;

using Paint = std::function<void(int x, int y, std::uint8_t* rgb)>;

FrameSketch sketch(const Paint& paint) {
  std::vector<std::uint8_t> rgb(std::size_t{3} * kHeight * kWidth);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) paint(x, y, &rgb[3 * (std::size_t(y) * kWidth + x)]);
  }
  return sketch_frame(rgb.data(), kHeight, kWidth);
}

// Waves of some length and colour, moved to the right.
FrameSketch waves(double length, int red, int green, int blue, double moved) {
  return sketch([=](int x, int y, std::uint8_t* rgb) {
    const double wave = 0.5 + 0.5 * std::sin((x - moved) / length) * std::cos(y / length);
    rgb[0] = static_cast<std::uint8_t>(red * wave);
    rgb[1] = static_cast<std::uint8_t>(green * wave);
    rgb[2] = static_cast<std::uint8_t>(blue * wave);
  });
}

FrameSketch flat(int level) {
  return sketch([=](int, int, std::uint8_t* rgb) {
    rgb[0] = rgb[1] = rgb[2] = static_cast<std::uint8_t>(level);
  });
}

// The frames that begin a new scene, as they are found while frames come.
std::vector<int> find_cuts(const std::vector<FrameSketch>& frames) {
  CutFinder finder;
  std::vector<int> cuts;
  int answered = 0;
  const auto take = [&] {
    for (; const std::optional<bool> cut = finder.next(); ++answered)
      if (*cut) cuts.push_back(answered);
  };
  for (std::size_t i = 0; i < frames.size(); ++i) {
    finder.add(frames[i]);
    take();
    EXPECT_GE(answered, static_cast<int>(i) - finder.delay());
  }
  finder.end();
  take();
  EXPECT_EQ(answered, static_cast<int>(frames.size()));
  return cuts;
}

TEST(SceneCut, FindsTheFrameThatBeginsANewScene) {
  std::vector<FrameSketch> frames;
  for (int i = 0; i < 20; ++i) frames.push_back(waves(9, 220, 120, 60, i));
  for (int i = 0; i < 15; ++i) frames.push_back(waves(4, 40, 90, 200, 2 * i));
  for (int i = 0; i < 10; ++i) frames.push_back(waves(15, 250, 250, 250, i));
  EXPECT_EQ(find_cuts(frames), (std::vector<int>{20, 35}));
}

TEST(SceneCut, FindsCutsNearBothEndsAndNearEachOther) {
  const auto first = [](int i) { return waves(9, 220, 120, 60, i); };
  const auto second = [](int i) { return waves(4, 40, 90, 200, 2 * i); };
  const auto third = [](int i) { return waves(15, 250, 250, 250, i); };
  for (const int length : {1, 2, 3}) {
    std::vector<FrameSketch> frames;
    for (int i = 0; i < length; ++i) frames.push_back(first(i));
    for (int i = 0; i < 20; ++i) frames.push_back(second(i));
    for (int i = 0; i < length; ++i) frames.push_back(third(i));
    for (int i = 0; i < 20; ++i) frames.push_back(first(i));
    for (int i = 0; i < length; ++i) frames.push_back(second(i));
    EXPECT_EQ(find_cuts(frames),
              (std::vector<int>{length, length + 20, 2 * length + 20, 2 * length + 40}))
        << length;
  }
}

// Whatever lies far before or behind, the same frames around a cut give the same answer.
TEST(SceneCut, LongVideosAreLikeShortOnes) {
  std::vector<FrameSketch> frames;
  std::vector<int> wanted;
  for (int scene = 0; scene < 60; ++scene) {
    if (scene > 0) wanted.push_back(static_cast<int>(frames.size()));
    for (int i = 0; i < 17 + scene % 5; ++i)
      frames.push_back(scene % 2 == 0 ? waves(9, 220, 120, 60, i) : waves(4, 40, 90, 200, i));
  }
  EXPECT_EQ(find_cuts(frames), wanted);
}

TEST(SceneCut, SeesScenesOfEqualBrightnessByTheirColor) {
  std::vector<FrameSketch> frames;
  for (int i = 0; i < 12; ++i) {
    frames.push_back(
        sketch([](int, int, std::uint8_t* rgb) { rgb[0] = 200, rgb[1] = rgb[2] = 20; }));
  }
  for (int i = 0; i < 12; ++i) {
    frames.push_back(
        sketch([](int, int, std::uint8_t* rgb) { rgb[0] = 10, rgb[1] = 60, rgb[2] = 255; }));
  }
  EXPECT_EQ(find_cuts(frames), (std::vector<int>{12}));
}

TEST(SceneCut, MotionIsNoCut) {
  for (const double speed : {0.5, 3.0, 12.0}) {
    std::vector<FrameSketch> frames;
    for (int i = 0; i < 60; ++i) frames.push_back(waves(9, 200, 200, 200, speed * i));
    EXPECT_TRUE(find_cuts(frames).empty()) << speed;
  }
}

TEST(SceneCut, AFadeIsNoCut) {
  std::vector<FrameSketch> frames;
  for (int i = 0; i < 48; ++i) frames.push_back(flat(i * 5));
  EXPECT_TRUE(find_cuts(frames).empty());
}

TEST(SceneCut, AFlashIsNoCut) {
  std::vector<FrameSketch> frames;
  for (int i = 0; i < 30; ++i) {
    frames.push_back(i == 15 ? flat(255) : waves(9, 120, 80, 60, i));
  }
  EXPECT_TRUE(find_cuts(frames).empty());
}

TEST(SceneCut, SyntheticClipsHaveNone) {
  for (const CorpusKind kind : {CorpusKind::kShapes, CorpusKind::kPhysics}) {
    for (int number = 0; number < 40; ++number) {
      const SyntheticClip clip = synthesize(kind, {.width = 32, .height = 32}, 1, Split::kTrain,
                                            static_cast<std::uint64_t>(number));
      std::vector<FrameSketch> frames;
      for (int i = 0; i < clip.frames.count; ++i) {
        frames.push_back(sketch_frame(clip.frames.frame(i), 32, 32));
      }
      EXPECT_TRUE(find_cuts(frames).empty()) << clip.caption;
    }
  }
}

TEST(SceneCut, DistanceIsAMetricWithinItsRange) {
  const FrameSketch black = flat(0);
  const FrameSketch white = flat(255);
  EXPECT_EQ(sketch_distance(black, black), 0);
  EXPECT_GT(sketch_distance(black, white), 0.6);
  EXPECT_LE(sketch_distance(black, white), 1);
  EXPECT_EQ(sketch_distance(black, white), sketch_distance(white, black));
}

TEST(SceneCut, TinyFramesAndShortVideosAreFine) {
  const std::uint8_t pixel[3] = {1, 2, 3};
  const FrameSketch one = sketch_frame(pixel, 1, 1);
  EXPECT_TRUE(find_cuts({}).empty());
  EXPECT_TRUE(find_cuts({one}).empty());
  EXPECT_TRUE(find_cuts({one, one}).empty());
}

}  // namespace
}  // namespace muybridge
