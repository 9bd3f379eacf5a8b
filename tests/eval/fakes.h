#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "core/random.h"
#include "data/media/video_writer.h"
#include "eval/scores.h"
#include "tests/eval/scoring/stage.h"

// For clips that keep some words of their caption and break others.
namespace muybridge {

inline constexpr int kSize = 32;
inline constexpr int kFrames = 16;
inline constexpr double kRate = 8;

// As the evaluation sees it: from the written MP4.
inline Scores score_fake(const Frames& frames, const std::string& caption, double rate = kRate) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / fmt::format("fake-{}.mp4", ::getpid());
  write_video(file, frames, {.fps = rate, .upscale = 4, .comment{}, .encoder{}});
  const std::optional<Scores> scores = score_video(file, caption);
  std::filesystem::remove(file);
  EXPECT_TRUE(scores.has_value()) << caption;
  return scores.value_or(Scores{});
}

// With what they make of the whole prompt.
inline Scores and_whole_prompt(Scores scores) {
  double least = 1;
  for (const auto& [name, value] : scores) least = std::min(least, value);
  scores[kWholePrompt] = std::floor(least);
  return scores;
}

// A line of the table that bench/results/scores.md has.
inline void print_fake(const char* kind, const char* name, const Scores& scores) {
  fmt::print("| {} | {} |", kind, name);
  for (const auto& [score, value] : scores) fmt::print(" {} {:g} |", score, value);
  fmt::print("\n");
}

inline NamedColor another(const NamedColor& color) {
  return color_named(color.name == "yellow" ? "green" : "yellow");
}

// Numbers that look like chance.
inline float chaos(std::uint64_t i) { return RandomStream(8, Purpose::kTest).uniform(i); }

}  // namespace muybridge
