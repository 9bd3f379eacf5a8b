// What the scores say of clips of shapes that keep some words of their caption and break others.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/eval/fakes.h"

namespace muybridge {
namespace {

const NamedColor kGrey = {"grey", {110, 110, 110}};

double unit_of(int frame) { return frame / (kFrames - 1.0); }

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
    const Scores expected = and_whole_prompt(
        {{"color", fake.color}, {"shape", fake.shape}, {"direction", fake.direction}});
    for (const Hero& hero : kHeroes) {
      const Frames frames =
          stage(kSize, [&](Canvas& canvas, int frame) { fake.draw(canvas, frame, hero); });
      EXPECT_EQ(score_fake(frames, hero.caption()), expected)
          << fake.name << ": " << hero.caption();
    }
    print_fake("shape", fake.name, expected);
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
    const Scores expected =
        and_whole_prompt({{"color", color}, {"shape", shape}, {"direction", direction}});
    EXPECT_EQ(score_fake(draw(pair), caption), expected) << name;
    print_fake("two shapes", name, expected);
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
      for (const auto& [name, value] : score_fake(frames, hero.caption()))
        EXPECT_EQ(value, 0) << name << " of " << hero.caption();
  }
}

}  // namespace
}  // namespace muybridge
