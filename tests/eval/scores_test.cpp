#include "eval/scores.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/random.h"
#include "data/media/video_reader.h"
#include "data/media/video_writer.h"
#include "data/synthetic/synthetic.h"
#include "eval/caption.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// A clip as the evaluation sees it: written as MP4, read back at its own size.
Frames through_mp4(const Frames& frames, int upscale) {
  ReadOptions options;
  options.size = {.resize = Resize::kCover, .width = frames.width, .height = frames.height};
  const fs::path file = fs::path(::testing::TempDir()) / fmt::format("scores-{}.mp4", ::getpid());
  write_video(file, frames, {.upscale = upscale, .comment{}, .encoder{}});
  const Frames decoded = read_video(file, options);
  fs::remove(file);
  return decoded;
}

Scores score(const Frames& frames, const std::string& caption) {
  const std::optional<Scores> scores = score_clip(frames, 8.0, caption);
  EXPECT_TRUE(scores.has_value()) << caption;
  return scores.value_or(Scores{});
}

struct Case {
  CorpusKind kind;
  int size;
  int upscale;
};

class ScoresOfTruth : public ::testing::TestWithParam<Case> {};

TEST_P(ScoresOfTruth, AreAtLeastNinetyNineInAHundred) {
  const auto [kind, size, upscale] = GetParam();
  const SyntheticOptions options{.width = size, .height = size};
  std::vector<Scores> scores;
  for (std::uint64_t number = 0; number < 120; ++number) {
    const SyntheticClip clip = synthesize(kind, options, 11, Split::kTrain, number);
    scores.push_back(score(through_mp4(clip.frames, upscale), clip.caption));
  }
  const Scores mean = mean_scores(scores);
  EXPECT_EQ(mean.size(), 3U);
  for (const auto& [name, value] : mean) EXPECT_GE(value, 0.99) << name;
}

// What the corpus is made at, and what a small model makes of it.
INSTANTIATE_TEST_SUITE_P(Sizes, ScoresOfTruth,
                         ::testing::Values(Case{CorpusKind::kShapes, 64, 1},
                                           Case{CorpusKind::kShapes, 32, 4},
                                           Case{CorpusKind::kPhysics, 64, 1},
                                           Case{CorpusKind::kPhysics, 32, 4}));

TEST(Scores, SurviveTheNoiseThatASmallModelLeaves) {
  const SyntheticOptions options{.width = 32, .height = 32};
  const RandomStream noise(3, Purpose::kTest);
  for (const CorpusKind kind : {CorpusKind::kShapes, CorpusKind::kPhysics}) {
    std::vector<Scores> scores;
    const float level = kind == CorpusKind::kShapes ? 15.0F : 8.0F;
    std::uint64_t next = 0;
    for (std::uint64_t number = 0; number < 200; ++number) {
      SyntheticClip clip = synthesize(kind, options, 12, Split::kTrain, number);
      for (std::uint8_t& value : clip.frames.rgb) {
        value = static_cast<std::uint8_t>(
            std::clamp(value + level * noise.normal(next++), 0.0F, 255.0F));
      }
      scores.push_back(score(clip.frames, clip.caption));
    }
    for (const auto& [name, value] : mean_scores(scores)) EXPECT_GE(value, 0.97) << name;
  }
}

TEST(Scores, AreZeroForEveryWrongWordAndOnlyForIt) {
  const SyntheticOptions options{.width = 32, .height = 32, .two_shapes = 0};
  for (std::uint64_t number = 0; number < 60; ++number) {
    const SyntheticClip clip = synthesize(CorpusKind::kShapes, options, 13, Split::kTrain, number);
    const Claim truth = read_caption(clip.caption)->things.front();
    for (const std::string& prompt : evaluation_prompts(CorpusKind::kShapes)) {
      const Claim claim = read_caption(prompt)->things.front();
      const Scores scores = score(clip.frames, prompt);
      const std::string about = clip.caption + " against " + prompt;
      EXPECT_EQ(scores.at("color"), claim.color == truth.color) << about;
      EXPECT_EQ(scores.at("shape"), claim.shape == truth.shape) << about;
      EXPECT_EQ(scores.at("direction"), claim.x == truth.x && claim.y == truth.y) << about;
    }
  }
}

TEST(Scores, TellThrowsApart) {
  const SyntheticOptions options{.width = 32, .height = 32};
  for (std::uint64_t number = 0; number < 60; ++number) {
    const SyntheticClip clip = synthesize(CorpusKind::kPhysics, options, 14, Split::kTrain, number);
    const Claim truth = read_caption(clip.caption)->things.front();
    for (const std::string& prompt : evaluation_prompts(CorpusKind::kPhysics)) {
      const Claim claim = read_caption(prompt)->things.front();
      const Scores scores = score(clip.frames, prompt);
      EXPECT_EQ(scores.at("color"), claim.color == truth.color) << clip.caption << prompt;
      EXPECT_EQ(scores.at("direction"), claim.x == truth.x && claim.y == truth.y)
          << clip.caption << " against " << prompt;
    }
  }
}

double total(const Scores& scores) {
  double sum = 0;
  for (const auto& [name, value] : scores) sum += value;
  return sum;
}

TEST(Scores, AreZeroForBlankClipsNoiseAndStillPictures) {
  const RandomStream noise(4, Purpose::kTest);
  std::vector<Frames> empty;
  for (const int level : {0, 30, 128, 255}) {
    empty.push_back({16, 32, 32, std::vector<std::uint8_t>(16 * 32 * 32 * 3, std::uint8_t(level))});
  }
  for (std::uint64_t clip = 0; clip < 4; ++clip) {
    Frames uniform = empty[0], grainy = empty[0];
    for (std::size_t i = 0; i < uniform.rgb.size(); ++i) {
      uniform.rgb[i] = static_cast<std::uint8_t>(noise.bits(clip * uniform.rgb.size() + i));
      grainy.rgb[i] = static_cast<std::uint8_t>(
          std::clamp(40 + 30 * noise.normal(clip * uniform.rgb.size() + i), 0.0F, 255.0F));
    }
    empty.push_back(uniform);
    empty.push_back(grainy);
  }
  for (const Frames& frames : empty) {
    for (const CorpusKind kind : {CorpusKind::kShapes, CorpusKind::kPhysics}) {
      for (const std::string& prompt : evaluation_prompts(kind)) {
        EXPECT_EQ(total(score(frames, prompt)), 0.0) << prompt;
      }
    }
  }
  Frames still = synthesize(CorpusKind::kShapes, {.two_shapes = 0}, 1, Split::kTrain, 1).frames;
  for (int t = 1; t < still.count; ++t) {
    std::copy_n(still.frame(0), still.frame_bytes(), still.frame(t));
  }
  for (const std::string& prompt : evaluation_prompts(CorpusKind::kShapes)) {
    EXPECT_EQ(score(still, prompt).at("direction"), 0.0) << prompt;
  }
}

TEST(Scores, OfTwoShapesCountEachAndNoticeAThird) {
  const SyntheticOptions options{.two_shapes = 1};
  for (std::uint64_t number = 0; number < 200; ++number) {
    const SyntheticClip clip = synthesize(CorpusKind::kShapes, options, 15, Split::kTrain, number);
    const std::vector<Claim> things = read_caption(clip.caption)->things;
    if (things.size() != 2 || things[0].shape == things[1].shape) continue;
    if (things[0].x == things[1].x) continue;
    const auto say = [](const Claim& color, const Claim& rest) {
      const char* way = rest.x < 0 ? "left" : rest.x > 0 ? "right" : rest.y < 0 ? "up" : "down";
      return fmt::format("a {} {} moving {}", color.color, rest.shape, way);
    };
    const Scores swapped =
        score(clip.frames, say(things[0], things[1]) + " and " + say(things[1], things[0]));
    EXPECT_EQ(swapped.at("color"), 1.0) << clip.caption;
    EXPECT_EQ(swapped.at("shape"), 0.0) << clip.caption;
    EXPECT_EQ(swapped.at("direction"), 0.0) << clip.caption;
    const char* other = "red";
    for (const NamedColor& color : kColors) {
      if (color.name != things[0].color && color.name != things[1].color) other = color.name.data();
    }
    const Scores one_wrong = score(
        clip.frames, say(things[0], things[0]) + fmt::format(" and a {} circle moving up", other));
    EXPECT_EQ(one_wrong.at("color"), 0.5) << clip.caption;
    EXPECT_EQ(one_wrong.at("shape"), 0.5) << clip.caption;
    EXPECT_EQ(one_wrong.at("direction"), 0.5) << clip.caption;
  }
}

TEST(Scores, KnowOnlyCaptionsOfTheCorpora) {
  const Frames frames = synthesize(CorpusKind::kShapes, {}, 1, Split::kTrain, 1).frames;
  for (const char* caption :
       {"", "a cat on a sofa", "a red circle", "a circle moving left", "a red thing moving left",
        "a red circle moving left and right", "a red ball", "a grey ball thrown up",
        "a red circle moving left and a red square moving up"}) {
    EXPECT_FALSE(score_clip(frames, 8, caption).has_value()) << caption;
  }
}

TEST(Scores, OfAClipAreAveragedByName) {
  const Scores mean = mean_scores({{{"color", 1}, {"shape", 0}}, {{"color", 0}}, {{"color", 1}}});
  EXPECT_DOUBLE_EQ(mean.at("color"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(mean.at("shape"), 0.0);
  EXPECT_TRUE(mean_scores({}).empty());
}

}  // namespace
}  // namespace muybridge
