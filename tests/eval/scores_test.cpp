#include "eval/scores.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/random.h"
#include "data/media/video_writer.h"
#include "data/synthetic/synthetic.h"
#include "eval/scoring/caption.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// A clip as the evaluation sees it: written as MP4, scored from the file.
Scores score_written(const SyntheticClip& clip, int upscale) {
  const fs::path file = fs::path(::testing::TempDir()) / fmt::format("scores-{}.mp4", ::getpid());
  write_video(file, clip.frames, {.upscale = upscale, .comment{}, .encoder{}});
  const std::optional<Scores> scores = score_video(file, clip.caption);
  fs::remove(file);
  EXPECT_TRUE(scores.has_value()) << clip.caption;
  return scores.value_or(Scores{});
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
  const Case given = GetParam();
  const SyntheticOptions options{.width = given.size, .height = given.size, .two_shapes = 0.5};
  std::vector<ScoredClip> clips;
  for (std::uint64_t number = 0; number < 100; ++number) {
    const SyntheticClip clip = synthesize(given.kind, options, 11, Split::kTrain, number);
    clips.push_back({clip.caption, score_written(clip, given.upscale)});
  }
  const ScoreSummaries summaries = summarize_scores(clips);
  EXPECT_EQ(summaries.size(), 4U);
  fmt::print("{:<8} {}x{} times {}", name_of(given.kind), given.size, given.size, given.upscale);
  for (const auto& [name, summary] : summaries) {
    EXPECT_GE(summary.mean, 0.99) << name;
    fmt::print("  {}", describe_score(name, summary));
  }
  fmt::print("\n");
}

// What the corpus is made at, and what a small model makes of it.
INSTANTIATE_TEST_SUITE_P(
    Sizes, ScoresOfTruth,
    ::testing::Values(Case{CorpusKind::kShapes, 64, 1}, Case{CorpusKind::kShapes, 32, 1},
                      Case{CorpusKind::kShapes, 32, 4}, Case{CorpusKind::kPhysics, 64, 1},
                      Case{CorpusKind::kPhysics, 32, 1}, Case{CorpusKind::kPhysics, 32, 4}),
    [](const auto& given) {
      return fmt::format("{}_{}_times_{}", name_of(given.param.kind), given.param.size,
                         given.param.upscale);
    });

TEST(Scores, SurviveTheNoiseThatASmallModelLeaves) {
  const SyntheticOptions options{.width = 32, .height = 32};
  const RandomStream noise(3, Purpose::kTest);
  for (const CorpusKind kind : {CorpusKind::kShapes, CorpusKind::kPhysics}) {
    std::vector<Scores> scores;
    const float level = kind == CorpusKind::kShapes ? 15.0F : 8.0F;
    std::uint64_t next = 0;
    for (std::uint64_t number = 0; number < 60; ++number) {
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
  for (std::uint64_t number = 0; number < 3; ++number) {
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
  for (std::uint64_t number = 0; number < 10; ++number) {
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
      const std::vector<std::string> prompts = evaluation_prompts(kind);
      for (std::size_t i = 0; i < prompts.size(); i += 7) {
        EXPECT_EQ(total(score(frames, prompts[i])), 0.0) << prompts[i];
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

TEST(Scores, OfTwoShapesCountEachIfBothAreThere) {
  const SyntheticOptions options{.two_shapes = 1};
  for (std::uint64_t number = 0; number < 60; ++number) {
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
    EXPECT_EQ(total(one_wrong), 0.0) << clip.caption;
    EXPECT_EQ(total(score(clip.frames, say(things[0], things[0]))), 0.0) << clip.caption;
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

// "a {color} {shape} moving {way}" by lot: what chance_of says is what a guess gets.
TEST(Scores, OfGuessesAreTheLevelOfChance) {
  const SyntheticOptions options{.width = 32, .height = 32, .two_shapes = 0};
  const RandomStream random(17, Purpose::kTest);
  for (const CorpusKind kind : {CorpusKind::kShapes, CorpusKind::kPhysics}) {
    const std::vector<std::string> prompts = evaluation_prompts(kind);
    std::vector<ScoredClip> clips;
    for (std::uint64_t number = 0; number < 150; ++number) {
      const SyntheticClip clip = synthesize(kind, options, 16, Split::kTrain, number);
      const std::string& caption = prompts[random.bits(number) % prompts.size()];
      clips.push_back({caption, score(clip.frames, caption)});
    }
    for (const auto& [name, summary] : summarize_scores(clips)) {
      EXPECT_EQ(summary.clips, 150);
      if (summary.chance == 0) continue;  // gravity is that of true clips, whatever the caption
      const double deviation = std::sqrt(summary.chance * (1 - summary.chance) / 150);
      EXPECT_NEAR(summary.mean, summary.chance, 3 * deviation) << name;
    }
  }
}

TEST(Scores, KnowTheLevelOfChanceFromTheWords) {
  const Scores one = chance_of("a red circle moving left");
  EXPECT_DOUBLE_EQ(one.at("color"), 1.0 / 6);
  EXPECT_DOUBLE_EQ(one.at("shape"), 1.0 / 3);
  EXPECT_DOUBLE_EQ(one.at("direction"), 1.0 / 4);
  EXPECT_DOUBLE_EQ(one.at(kWholePrompt), 1.0 / 72);
  const Scores two = chance_of("a red circle moving left and a blue square moving up");
  EXPECT_DOUBLE_EQ(two.at("color"), 1.0 / 15) << "one of the pairs of six colors";
  EXPECT_DOUBLE_EQ(two.at("direction"), 1.0 / 4);
  EXPECT_DOUBLE_EQ(two.at(kWholePrompt), 1.0 / 15 / 9 / 16);
  const Scores ball = chance_of("a red ball dropped");
  EXPECT_DOUBLE_EQ(ball.at("direction"), 1.0 / 6);
  EXPECT_DOUBLE_EQ(ball.at("gravity"), 0.0);
  EXPECT_TRUE(chance_of("a cat on a sofa").empty());
}

TEST(Scores, TakeSizeAndRateFromTheFile) {
  const SyntheticClip clip =
      synthesize(CorpusKind::kPhysics, {.width = 96, .height = 96}, 5, Split::kTrain, 1);
  const fs::path file = fs::path(::testing::TempDir()) / fmt::format("rate-{}.mp4", ::getpid());
  for (const auto& [fps, gravity] : {std::pair{8.0, 1.0}, {12.0, 0.0}, {5.0, 0.0}}) {
    write_video(file, clip.frames, {.fps = fps, .comment{}, .encoder{}});
    const Scores scores = *score_video(file, clip.caption);
    EXPECT_EQ(scores.at("color"), 1.0);
    EXPECT_EQ(scores.at("direction"), 1.0);
    EXPECT_EQ(scores.at("gravity"), gravity) << fps;
  }
  fs::remove(file);
}

TEST(Scores, AreSummedUpWithClipsAndChance) {
  const ScoreSummaries summaries =
      summarize_scores({{"a red circle moving left", {{"color", 1}, {"shape", 0}}},
                        {"a cat on a sofa", {}},
                        {"a red ball dropped", {{"color", 0}, {"direction", 1}}}});
  ASSERT_EQ(summaries.size(), 3U);
  EXPECT_DOUBLE_EQ(summaries.at("color").mean, 0.5);
  EXPECT_EQ(summaries.at("color").clips, 2);
  EXPECT_EQ(summaries.at("shape").clips, 1);
  EXPECT_DOUBLE_EQ(summaries.at("direction").chance, 1.0 / 6);
  EXPECT_EQ(describe_score("color", {.mean = 0.977, .clips = 72, .chance = 1.0 / 6}),
            "color 0.98 (72 clips, chance 0.17)");
  EXPECT_EQ(describe_score("shape", {.mean = 1, .clips = 1, .chance = 0}),
            "shape 1.00 (1 clip, chance 0.00)");
}

TEST(Scores, OfAClipAreAveragedByName) {
  const Scores mean = mean_scores({{{"color", 1}, {"shape", 0}}, {{"color", 0}}, {{"color", 1}}});
  EXPECT_DOUBLE_EQ(mean.at("color"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(mean.at("shape"), 0.0);
  EXPECT_TRUE(mean_scores({}).empty());
}

}  // namespace
}  // namespace muybridge
