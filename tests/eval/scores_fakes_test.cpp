// What each score says of clips that keep some words of their caption and break others.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "core/random.h"
#include "data/media/video_writer.h"
#include "eval/scores.h"
#include "eval/scoring/caption.h"
#include "tests/eval/scoring/stage.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr int kSize = 32;
constexpr int kFrames = 16;
constexpr double kRate = 8;
const NamedColor kGrey = {"grey", {110, 110, 110}};

// As the evaluation sees it: from the written MP4.
Scores score(const Frames& frames, const std::string& caption, double rate = kRate) {
  const fs::path file = fs::path(::testing::TempDir()) / fmt::format("fake-{}.mp4", ::getpid());
  write_video(file, frames, {.fps = rate, .upscale = 4, .comment{}, .encoder{}});
  const std::optional<Scores> scores = score_video(file, caption);
  fs::remove(file);
  EXPECT_TRUE(scores.has_value()) << caption;
  return scores.value_or(Scores{});
}

std::string in_words(const Scores& scores) {
  std::string text;
  for (const auto& [name, value] : scores) text += fmt::format("{} {:g}  ", name, value);
  return text;
}

double unit_of(int frame) { return frame / (kFrames - 1.0); }
NamedColor another(const NamedColor& color) {
  return color_named(color.name == "yellow" ? "green" : "yellow");
}

// ---- shapes

struct Hero {
  const char* shape_name;
  Shape2d shape;
  const char* color_name;
  const char* way_name;
  int x, y;

  const NamedColor& color() const { return color_named(color_name); }
  std::string caption() const {
    return fmt::format("a {} {} moving {}", color_name, shape_name, way_name);
  }
};
const Hero kHeroes[] = {{"circle", Shape2d::kCircle, "red", "right", 1, 0},
                        {"square", Shape2d::kSquare, "blue", "up", 0, -1},
                        {"triangle", Shape2d::kTriangle, "white", "left", -1, 0},
                        {"circle", Shape2d::kCircle, "purple", "down", 0, 1}};
constexpr double kWay = 0.36 * kSize, kRadius = 0.18 * kSize;

// Draws a hero at `u` of its way, `aside` pixels across it.
void play(Canvas& canvas, const Hero& hero, double u, const NamedColor& color,
          double radius = kRadius, double aside = 0) {
  canvas.draw(hero.shape, kSize / 2.0 + hero.x * kWay * (u - 0.5) + std::abs(hero.y) * aside,
              kSize / 2.0 + hero.y * kWay * (u - 0.5) + std::abs(hero.x) * aside, radius, color);
}

struct ShapesFake {
  const char* name;
  double color, shape, direction;  // what it must score
  std::function<void(Canvas&, int, const Hero&)> draw;
};

// The hero goes its way by another clock.
std::function<void(Canvas&, int, const Hero&)> clock(const std::function<double(double)>& when) {
  return [when](Canvas& canvas, int frame, const Hero& hero) {
    play(canvas, hero, when(unit_of(frame)), hero.color());
  };
}

// The hero as it should be, and something more.
std::function<void(Canvas&, int, const Hero&)> with(
    const std::function<void(Canvas&, int, const Hero&)>& more) {
  return [more](Canvas& canvas, int frame, const Hero& hero) {
    play(canvas, hero, unit_of(frame), hero.color());
    more(canvas, frame, hero);
  };
}

float chaos(std::uint64_t i) { return RandomStream(8, Purpose::kTest).uniform(i); }

const std::vector<ShapesFake> kShapesFakes = {
    {"true", 1, 1, 1, clock([](double u) { return u; })},
    {"frozen", 1, 1, 0, clock([](double) { return 0.5; })},
    {"one jump", 1, 1, 0, clock([](double u) { return u < 0.5 ? 0.0 : 1.0; })},
    {"two jumps", 1, 1, 0, clock([](double u) { return u < 0.3   ? 0
                                                       : u < 0.7 ? 0.5
                                                                 : 1; })},
    {"first half only", 1, 1, 0, clock([](double u) { return std::min(1.0, 2 * u); })},
    {"second half only", 1, 1, 0, clock([](double u) { return std::max(0.0, 2 * u - 1); })},
    {"there and back", 1, 1, 0, clock([](double u) { return u < 0.7 ? u : 1.4 - u; })},
    {"wrong direction", 1, 1, 0, clock([](double u) { return 1 - u; })},
    {"too short a way", 1, 1, 0, clock([](double u) { return 0.5 + 0.4 * (u - 0.5); })},
    {"teleporting", 1, 1, 0,
     clock([](double u) { return chaos(static_cast<std::uint64_t>(100 * u)); })},
    {"trembling on the way", 1, 1, 0,
     clock([](double u) { return u + 0.25 * (chaos(static_cast<std::uint64_t>(99 * u)) - 0.5); })},
    {"across", 1, 1, 0,
     [](Canvas& canvas, int frame, const Hero& hero) {
       play(canvas, hero, 0.5, hero.color(), kRadius, kWay * (unit_of(frame) - 0.5));
     }},
    {"askew", 1, 1, 0,
     [](Canvas& canvas, int frame, const Hero& hero) {
       const double u = unit_of(frame);
       play(canvas, hero, u, hero.color(), kRadius, 0.5 * kWay * (u - 0.5));
     }},
    {"one more of another color", 0, 0, 0, with([](Canvas& canvas, int, const Hero& hero) {
       canvas.draw(Shape2d::kSquare, 4, 4, 2.5, another(hero.color()));
     })},
    {"one more of its color", 0, 0, 0, with([](Canvas& canvas, int, const Hero& hero) {
       canvas.draw(Shape2d::kCircle, 27, 5, 3, hero.color());
     })},
    {"one more of no color", 0, 0, 0, with([](Canvas& canvas, int, const Hero&) {
       canvas.draw(Shape2d::kCircle, 5, 27, 3, kGrey);
     })},
    {"one more for a third of the time", 0, 0, 0,
     with([](Canvas& canvas, int frame, const Hero& hero) {
       if (frame % 3 == 0) canvas.draw(Shape2d::kCircle, 27, 27, 3, another(hero.color()));
     })},
    {"its twin beside it", 0, 0, 0, with([](Canvas& canvas, int frame, const Hero& hero) {
       play(canvas, hero, unit_of(frame), hero.color(), 0.55 * kRadius, 9.5);
     })},
    {"big blob", 0, 0, 0,
     [](Canvas& canvas, int frame, const Hero& hero) {
       play(canvas, hero, unit_of(frame), hero.color(), 0.36 * kSize);
     }},
    {"all of the frame", 0, 0, 0,
     [](Canvas& canvas, int, const Hero& hero) {
       canvas.draw(Shape2d::kSquare, 16, 16, 18, hero.color());
     }},
    {"a dot", 0, 0, 0,
     [](Canvas& canvas, int frame, const Hero& hero) {
       play(canvas, hero, unit_of(frame), hero.color(), 1.2);
     }},
    {"flicker", 0, 0, 0,
     [](Canvas& canvas, int frame, const Hero& hero) {
       if (frame % 2 == 0) play(canvas, hero, unit_of(frame), hero.color());
     }},
    {"gone after half", 0, 0, 0,
     [](Canvas& canvas, int frame, const Hero& hero) {
       if (frame < 8) play(canvas, hero, unit_of(frame), hero.color());
     }},
    {"another color", 0, 1, 1,
     [](Canvas& canvas, int frame, const Hero& hero) {
       play(canvas, hero, unit_of(frame), another(hero.color()));
     }},
    {"another color in half", 0, 1, 1,
     [](Canvas& canvas, int frame, const Hero& hero) {
       play(canvas, hero, unit_of(frame), frame < 8 ? hero.color() : another(hero.color()));
     }},
    {"two colors at once", 0, 0, 0,
     [](Canvas& canvas, int frame, const Hero& hero) {
       play(canvas, hero, unit_of(frame), hero.color());
       play(canvas, hero, unit_of(frame), another(hero.color()), 0.6 * kRadius);
     }},
    {"growing", 1, 0, 1,
     [](Canvas& canvas, int frame, const Hero& hero) {
       play(canvas, hero, unit_of(frame), hero.color(), kRadius * (0.75 + 0.5 * unit_of(frame)));
     }},
    {"shrinking", 1, 0, 1,
     [](Canvas& canvas, int frame, const Hero& hero) {
       play(canvas, hero, unit_of(frame), hero.color(), kRadius * (1.25 - 0.5 * unit_of(frame)));
     }},
    {"another shape in half", 1, 0, 1,
     [](Canvas& canvas, int frame, const Hero& hero) {
       Hero other = hero;
       const bool triangle = hero.shape == Shape2d::kTriangle;  // its centre of mass lies lower
       if (frame % 2)
         other.shape = hero.shape == Shape2d::kSquare ? Shape2d::kCircle : Shape2d::kSquare;
       play(canvas, other, unit_of(frame), hero.color(), kRadius,
            frame % 2 && triangle ? kRadius / 3 : 0);
     }},
    {"a cross", 1, 0, 1,
     [](Canvas& canvas, int frame, const Hero& hero) {
       for (int i = -4; i <= 4; ++i) {
         Hero part = hero;
         part.shape = Shape2d::kSquare;
         play(canvas, part, unit_of(frame) + i / kWay, hero.color(), 1.5);
         play(canvas, part, unit_of(frame), hero.color(), 1.5, i);
       }
     }},
    {"a stripe", 1, 0, 1,
     [](Canvas& canvas, int frame, const Hero& hero) {
       for (int i = -3; i <= 3; ++i) {
         Hero part = hero;
         part.shape = Shape2d::kSquare;
         play(canvas, part, unit_of(frame), hero.color(), 2.5, i);
       }
     }},
};

TEST(ShapesFakes, ScoreNothingForWhatTheyBreak) {
  for (const ShapesFake& fake : kShapesFakes) {
    const Scores expected = {
        {"color", fake.color}, {"shape", fake.shape}, {"direction", fake.direction}};
    for (const Hero& hero : kHeroes) {
      const Frames frames =
          stage(kSize, [&](Canvas& canvas, int frame) { fake.draw(canvas, frame, hero); });
      EXPECT_EQ(score(frames, hero.caption()), expected) << fake.name << ": " << hero.caption();
    }
    fmt::print("shapes   {:<34} {}\n", fake.name, in_words(expected));
  }
}

// ---- two shapes

struct Pair {
  double first_y, second_y;   // where they are across their ways
  int first_way, second_way;  // -1 left, 1 right
  bool first, second, third;  // which there are
  const char *first_color, *second_color;
  Shape2d first_shape, second_shape;
};

TEST(ShapesFakes, OfTwoScoreNothingUnlessBothAreThere) {
  const char* caption = "a red circle moving right and a blue square moving left";
  const Pair truth = {.first_y = 9,
                      .second_y = 23,
                      .first_way = 1,
                      .second_way = -1,
                      .first = true,
                      .second = true,
                      .third = false,
                      .first_color = "red",
                      .second_color = "blue",
                      .first_shape = Shape2d::kCircle,
                      .second_shape = Shape2d::kSquare};
  const auto draw = [](const Pair& pair) {
    return stage(kSize, [&](Canvas& canvas, int frame) {
      const double way = kWay * (unit_of(frame) - 0.5);
      if (pair.first)
        canvas.draw(pair.first_shape, 16 + pair.first_way * way, pair.first_y, 4.5,
                    color_named(pair.first_color));
      if (pair.second)
        canvas.draw(pair.second_shape, 16 + pair.second_way * way, pair.second_y, 4.2,
                    color_named(pair.second_color));
      if (pair.third) canvas.draw(Shape2d::kSquare, 28, 16, 2, color_named("green"));
    });
  };
  const auto expect = [&](const char* name, double color, double shape, double direction,
                          const std::function<void(Pair&)>& change) {
    Pair pair = truth;
    change(pair);
    const Scores expected = {{"color", color}, {"shape", shape}, {"direction", direction}};
    EXPECT_EQ(score(draw(pair), caption), expected) << name;
    fmt::print("two      {:<34} {}\n", name, in_words(expected));
  };
  expect("true", 1, 1, 1, [](Pair&) {});
  expect("places swapped", 1, 1, 1, [](Pair& p) { std::swap(p.first_y, p.second_y); });
  expect("ways swapped", 1, 1, 0, [](Pair& p) { std::swap(p.first_way, p.second_way); });
  expect("both go one way", 1, 1, 0.5, [](Pair& p) { p.second_way = 1; });
  expect("one at rest", 1, 1, 0.5, [](Pair& p) { p.second_way = 0; });
  expect("shapes swapped", 1, 0, 1, [](Pair& p) { std::swap(p.first_shape, p.second_shape); });
  expect("two circles", 1, 0.5, 1, [](Pair& p) { p.second_shape = Shape2d::kCircle; });
  expect("colors swapped", 1, 0, 0, [](Pair& p) { std::swap(p.first_color, p.second_color); });
  expect("one of another color", 0, 0, 0, [](Pair& p) { p.second_color = "yellow"; });
  expect("both of one color", 0, 0, 0, [](Pair& p) { p.second_color = "red"; });
  expect("the second is missing", 0, 0, 0, [](Pair& p) { p.second = false; });
  expect("the first is missing", 0, 0, 0, [](Pair& p) { p.first = false; });
  expect("one more", 0, 0, 0, [](Pair& p) { p.third = true; });
}

// ---- physics

struct Throw {
  const char* words;
  double x, y;              // where it starts
  double speed_x, speed_y;  // clip heights a second
};
const Throw kThrows[] = {{"thrown up", 0.5, 0.7, 0, -1.3},
                         {"thrown up to the left", 0.75, 0.7, -0.24, -1.3},
                         {"dropped", 0.5, 0.25, 0, 0},
                         {"thrown to the right", 0.25, 0.25, 0.24, 0}};
constexpr const char* kBallColors[] = {"red", "white", "blue", "yellow"};

struct Spot {
  double x, y;
};

// Where a ball is after some seconds under a gravity: up to the floor at 0.79, and again.
Spot fly(const Throw& how, double seconds, double gravity = 2.0) {
  constexpr int kSteps = 4000;  // a second
  double y = how.y, speed = how.speed_y;
  for (int step = 0; step < static_cast<int>(std::lround(seconds * kSteps)); ++step) {
    speed += gravity / kSteps;
    y += speed / kSteps;
    if (y > 0.79 && speed > 0) speed *= -0.75;
  }
  return {how.x + how.speed_x * seconds, y};
}

struct PhysicsFake {
  const char* name;
  double color, direction, gravity;
  std::function<Spot(const Throw&, double seconds)> at;
  std::function<void(Canvas&, int, Spot, const NamedColor&)> more = {};  // drawn over the ball
  double rate = kRate;
  Shape2d shape = Shape2d::kCircle;
};

Spot truly(const Throw& how, double seconds) { return fly(how, seconds); }
std::function<Spot(const Throw&, double)> by_clock(const std::function<double(double)>& when) {
  return [when](const Throw& how, double seconds) { return fly(how, when(seconds)); };
}

const std::vector<PhysicsFake> kPhysicsFakes = {
    {"true", 1, 1, 1, truly},
    {"frozen", 1, 0, 0, by_clock([](double) { return 0.0; })},
    {"lies on the floor", 1, 0, 0,
     [](const Throw& how, double) {
       return Spot{how.x, 0.79};
     }},
    {"one jump", 1, 0, 0, by_clock([](double s) { return s < 0.9 ? 0.0 : 0.6; })},
    {"hangs, then goes", 1, 0, 0, by_clock([](double s) { return std::max(0.0, s - 0.7); })},
    {"goes, then hangs", 1, 0, 0, by_clock([](double s) { return std::min(s, 0.4); })},
    {"teleporting", 1, 0, 0,
     [](const Throw&, double s) {
       const auto i = static_cast<std::uint64_t>(s * 8);
       return Spot{0.5, 0.2 + 0.55 * chaos(i)};
     }},
    {"vanishes, goes on elsewhere", 1, 0, 0,
     [](const Throw& how, double s) {
       const Spot spot = fly(how, s);
       return s < 0.45 ? spot : Spot{spot.x, std::max(0.15, spot.y - 0.3)};
     }},
    {"another throw up or down", 1, 0, 0,
     [](const Throw& how, double s) {
       Throw other = how;
       other.y = how.speed_y < 0 ? 0.25 : 0.7;
       other.speed_y = how.speed_y < 0 ? 0 : -1.3;
       return fly(other, s);
     }},
    {"another throw sideways", 1, 0, 0,
     [](const Throw& how, double s) {
       Throw other = how;
       other.speed_x = how.speed_x == 0 ? 0.24 : -how.speed_x;
       other.x = other.speed_x > 0 ? 0.25 : 0.75;
       return fly(other, s);
     }},
    {"jumps sideways", 1, 0, 0,
     [](const Throw& how, double s) {
       return Spot{s < 0.9 ? 0.3 : 0.7, fly(how, s).y};
     }},
    {"steady speed down or up", 1, 1, 0,
     [](const Throw& how, double s) {
       const double way = how.speed_y < 0 ? -0.25 : 0.25;
       return Spot{how.x + how.speed_x * s, (way < 0 ? 0.7 : 0.25) + way * s};
     }},
    {"half of gravity", 1, 1, 0,
     [](const Throw& how, double s) {
       Throw slow = how;
       slow.speed_y /= std::sqrt(2.0);
       return fly(slow, s, 1.0);
     }},
    {"twice gravity", 1, 1, 0,
     [](const Throw& how, double s) {
       Throw quick = how;
       quick.speed_y *= std::sqrt(2.0);
       return fly(quick, s, 4.0);
     }},
    {"half of the rate", 1, 1, 0, truly, {}, 4},
    {"twice the rate", 1, 1, 0, truly, {}, 16},
    {"one more ball", 0, 0, 0, truly,
     [](Canvas& canvas, int, Spot, const NamedColor& color) {
       canvas.draw(Shape2d::kCircle, 4, 4, 3, color);
     }},
    {"one more of another color", 0, 0, 0, truly,
     [](Canvas& canvas, int, Spot, const NamedColor& color) {
       canvas.draw(Shape2d::kCircle, 28, 4, 2, another(color));
     }},
    {"a square", 0, 0, 0, truly, {}, kRate, Shape2d::kSquare},
    {"a triangle", 0, 0, 0, truly, {}, kRate, Shape2d::kTriangle},
    {"flicker", 0, 0, 0, truly,
     [](Canvas& canvas, int frame, Spot, const NamedColor&) {
       if (frame % 2) canvas.fill_below(0, 24);
     }},
    {"another color in half", 0, 1, 1, truly,
     [](Canvas& canvas, int frame, Spot spot, const NamedColor& color) {
       if (frame % 2)
         canvas.draw(Shape2d::kCircle, spot.x * kSize, spot.y * kSize, 0.11 * kSize,
                     another(color));
     }},
    {"growing", 0, 0, 0, truly,
     [](Canvas& canvas, int frame, Spot spot, const NamedColor& color) {
       canvas.draw(Shape2d::kCircle, spot.x * kSize, spot.y * kSize, (0.11 + 0.005 * frame) * kSize,
                   color);
     }},
};

TEST(PhysicsFakes, ScoreNothingForWhatTheyBreak) {
  for (const PhysicsFake& fake : kPhysicsFakes) {
    const Scores expected = {
        {"color", fake.color}, {"direction", fake.direction}, {"gravity", fake.gravity}};
    for (std::size_t i = 0; i < std::size(kThrows); ++i) {
      const NamedColor& color = color_named(kBallColors[i]);
      const Frames frames = stage(kSize, [&](Canvas& canvas, int frame) {
        const Spot spot = fake.at(kThrows[i], frame / kRate);
        canvas.fill_below(0.9 * kSize, 54);
        canvas.draw(fake.shape, spot.x * kSize, spot.y * kSize, 0.11 * kSize, color);
        if (fake.more) fake.more(canvas, frame, spot, color);
      });
      const std::string caption = fmt::format("a {} ball {}", color.name, kThrows[i].words);
      EXPECT_EQ(score(frames, caption, fake.rate), expected) << fake.name << ": " << caption;
    }
    fmt::print("physics  {:<34} {}\n", fake.name, in_words(expected));
  }
}

// ---- no things at all, or things on grounds that are none

TEST(Fakes, OfGroundsAloneScoreNothing) {
  const RandomStream noise(4, Purpose::kTest);
  const auto fill = [&](const std::function<double(int t, int y, int x, std::size_t i)>& level) {
    Frames frames = empty_frames({.width = kSize, .height = kSize});
    std::size_t i = 0;
    for (int t = 0; t < frames.count; ++t)
      for (int y = 0; y < kSize; ++y)
        for (int x = 0; x < kSize; ++x)
          for (int c = 0; c < 3; ++c, ++i)
            frames.rgb[i] = static_cast<std::uint8_t>(std::clamp(level(t, y, x, i), 0.0, 255.0));
    return frames;
  };
  const std::pair<const char*, Frames> grounds[] = {
      {"black", fill([](int, int, int, std::size_t) { return 0; })},
      {"white", fill([](int, int, int, std::size_t) { return 255; })},
      {"noise", fill([&](int, int, int, std::size_t i) { return noise.bits(i) % 256; })},
      {"soft noise", fill([&](int, int, int, std::size_t i) { return 40 + 30 * noise.normal(i); })},
      {"gradient", fill([](int, int, int x, std::size_t) { return 8 * x; })},
      {"gradient that moves", fill([](int t, int, int x, std::size_t) { return 8 * (x - t); })},
  };
  for (const auto& [name, frames] : grounds) {
    for (const CorpusKind kind : {CorpusKind::kShapes, CorpusKind::kPhysics}) {
      const std::string caption = evaluation_prompts(kind)[static_cast<std::size_t>(kind)];
      for (const auto& [score_name, value] : score(frames, caption))
        EXPECT_EQ(value, 0) << name << ": " << score_name << " of " << caption;
    }
    fmt::print("ground   {:<34} all 0\n", name);
  }
}

TEST(Fakes, OnGroundsThatAreNotPlainScoreNothing) {
  const RandomStream noise(6, Purpose::kTest);
  for (const Hero& hero : kHeroes) {
    Frames clean = stage(kSize, [&](Canvas& canvas, int frame) {
      play(canvas, hero, unit_of(frame), hero.color());
    });
    Frames noisy = clean, sloped = clean;
    for (std::size_t i = 0; i < clean.rgb.size(); ++i) {
      const auto x = static_cast<double>(i / 3 % kSize);
      noisy.rgb[i] =
          static_cast<std::uint8_t>(std::clamp(clean.rgb[i] + 60.0 * noise.normal(i), 0.0, 255.0));
      if (clean.rgb[i - i % 3] == 24 && clean.rgb[i - i % 3 + 1] == 24)
        sloped.rgb[i] = static_cast<std::uint8_t>(7 * x);
    }
    for (const Frames& frames : {noisy, sloped})
      for (const auto& [name, value] : score(frames, hero.caption()))
        EXPECT_EQ(value, 0) << name << " of " << hero.caption();
  }
  fmt::print("ground   {:<34} all 0\n", "true thing on noise, on a slope");
}

}  // namespace
}  // namespace muybridge
