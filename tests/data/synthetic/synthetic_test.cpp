#include "data/synthetic/synthetic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr CorpusKind kKinds[] = {CorpusKind::kShapes, CorpusKind::kPhysics};

bool has_word(const std::string& text, const std::string& wanted) {
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

SyntheticClip clip_of(CorpusKind kind, std::uint64_t number, Split split = Split::kTrain,
                      std::uint64_t seed = 5, const SyntheticOptions& options = {}) {
  return synthesize(kind, options, seed, split, number);
}

// Share of a frame's pixels that are near `color`.
double share_of(const Frames& frames, int index, const NamedColor& color) {
  const int pixels = frames.width * frames.height;
  int near = 0;
  for (int i = 0; i < pixels; ++i) {
    const std::uint8_t* pixel = frames.frame(index) + 3 * i;
    near +=
        std::hypot(pixel[0] - color.rgb[0], pixel[1] - color.rgb[1], pixel[2] - color.rgb[2]) < 8;
  }
  return static_cast<double>(near) / pixels;
}

TEST(Synthetic, AClipIsAFunctionOfItsNumber) {
  for (const CorpusKind kind : kKinds) {
    const SyntheticClip once = clip_of(kind, 7), again = clip_of(kind, 7);
    EXPECT_EQ(once.frames.rgb, again.frames.rgb);
    EXPECT_EQ(once.caption, again.caption);
    for (const SyntheticClip& other : {clip_of(kind, 8), clip_of(kind, 7, Split::kValidation),
                                       clip_of(kind, 7, Split::kTrain, 6)}) {
      EXPECT_NE(once.frames.rgb, other.frames.rgb);
    }
  }
}

TEST(Synthetic, HasTheFramesAndSizeAskedFor) {
  const SyntheticOptions options{.width = 48, .height = 32, .frames = 9, .fps = 12};
  for (const CorpusKind kind : kKinds) {
    const Frames frames = clip_of(kind, 1, Split::kTrain, 5, options).frames;
    EXPECT_EQ(frames.count, 9);
    EXPECT_EQ(frames.height, 32);
    EXPECT_EQ(frames.width, 48);
    EXPECT_EQ(frames.rgb.size(), 9U * 32 * 48 * 3);
  }
}

TEST(Synthetic, ShowsTheColoursOfTheCaptionInEveryFrameAndNoOthers) {
  for (const CorpusKind kind : kKinds) {
    for (std::uint64_t number = 0; number < 100; ++number) {
      const SyntheticClip clip = clip_of(kind, number);
      for (const NamedColor& color : kColors) {
        for (int t = 0; t < clip.frames.count; ++t) {
          const bool shown = share_of(clip.frames, t, color) > 0.005;
          EXPECT_EQ(shown, has_word(clip.caption, std::string(color.name)))
              << clip.caption << ", frame " << t << ", " << color.name;
        }
      }
    }
  }
}

// Row and column of the middle of what has this colour.
std::pair<double, double> middle(const Frames& frames, int index, const NamedColor& color) {
  double x = 0, y = 0, n = 0;
  for (int i = 0; i < frames.width * frames.height; ++i) {
    const std::uint8_t* pixel = frames.frame(index) + 3 * i;
    if (std::hypot(pixel[0] - color.rgb[0], pixel[1] - color.rgb[1], pixel[2] - color.rgb[2]) > 8)
      continue;
    x += i % frames.width;
    const int row = i / frames.width;
    y += row;
    ++n;
  }
  return {x / n, y / n};
}

TEST(Synthetic, ShapesMoveAtAConstantSpeedAsTheCaptionSays) {
  const SyntheticOptions options{.two_shapes = 0};
  for (std::uint64_t number = 0; number < 100; ++number) {
    const SyntheticClip clip = clip_of(CorpusKind::kShapes, number, Split::kTrain, 5, options);
    const auto color = std::find_if(kColors.begin(), kColors.end(), [&](const NamedColor& each) {
      return has_word(clip.caption, std::string(each.name));
    });
    const auto [x0, y0] = middle(clip.frames, 0, *color);
    const auto [x1, y1] = middle(clip.frames, 8, *color);
    const auto [x2, y2] = middle(clip.frames, 15, *color);
    const double x = has_word(clip.caption, "right") - has_word(clip.caption, "left");
    const double y = has_word(clip.caption, "down") - has_word(clip.caption, "up");
    EXPECT_GT((x2 - x0) * x + (y2 - y0) * y, 0.25 * 64) << clip.caption;
    EXPECT_LT(std::abs((x2 - x0) * y) + std::abs((y2 - y0) * x), 1.0) << clip.caption;
    EXPECT_NEAR((x1 - x0) / 8, (x2 - x0) / 15, 0.12) << clip.caption;
    EXPECT_NEAR((y1 - y0) / 8, (y2 - y0) / 15, 0.12) << clip.caption;
  }
}

TEST(Synthetic, BallsFallWithTheSameGravity) {
  const SyntheticOptions options{.width = 128, .height = 128};
  int measured = 0;
  for (std::uint64_t number = 0; number < 100; ++number) {
    const SyntheticClip clip = clip_of(CorpusKind::kPhysics, number, Split::kTrain, 5, options);
    if (has_word(clip.caption, "up")) continue;  // the others fall freely in the first frames
    const auto color = std::find_if(kColors.begin(), kColors.end(), [&](const NamedColor& each) {
      return has_word(clip.caption, std::string(each.name));
    });
    const double y0 = middle(clip.frames, 0, *color).second;
    const double y4 = middle(clip.frames, 4, *color).second;
    const double seconds = 4 / options.fps;
    EXPECT_NEAR((y4 - y0) / 128 * 2 / (seconds * seconds), kGravity, 0.1) << clip.caption;
    ++measured;
  }
  EXPECT_GT(measured, 20);
}

TEST(Synthetic, TwoShapesHaveTwoColoursAndTheAskedShare) {
  int two = 0;
  for (std::uint64_t number = 0; number < 500; ++number) {
    const std::string caption = clip_of(CorpusKind::kShapes, number).caption;
    if (!has_word(caption, "and")) continue;
    ++two;
    int colors = 0;
    for (const NamedColor& color : kColors) colors += has_word(caption, std::string(color.name));
    EXPECT_EQ(colors, 2) << caption;
  }
  EXPECT_NEAR(two / 500.0, 0.2, 0.06);
}

TEST(Synthetic, EveryPromptIsACaptionThatTheCorpusHas) {
  EXPECT_EQ(evaluation_prompts(CorpusKind::kShapes).size(), 72U);
  EXPECT_EQ(evaluation_prompts(CorpusKind::kPhysics).size(), 36U);
  for (const CorpusKind kind : kKinds) {
    const std::vector<std::string> prompts = evaluation_prompts(kind);
    const std::set<std::string> different(prompts.begin(), prompts.end());
    EXPECT_EQ(different.size(), prompts.size());
    std::set<std::string> captions;
    for (std::uint64_t number = 0; number < 6000; ++number) {
      captions.insert(
          synthesize(kind, {.width = 16, .height = 16, .frames = 1}, 5, Split::kTrain, number)
              .caption);
    }
    for (const std::string& prompt : prompts) EXPECT_TRUE(captions.contains(prompt)) << prompt;
  }
}

TEST(Synthetic, RefusesImpossibleSizes) {
  for (const SyntheticOptions& options :
       {SyntheticOptions{.width = 4}, SyntheticOptions{.height = 1 << 20},
        SyntheticOptions{.frames = 0}, SyntheticOptions{.fps = 0}}) {
    EXPECT_THROW(clip_of(CorpusKind::kShapes, 0, Split::kTrain, 0, options), Error);
  }
}

}  // namespace
}  // namespace muybridge
