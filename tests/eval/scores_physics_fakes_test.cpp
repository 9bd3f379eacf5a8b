// What the scores say of clips of balls, and of nothing, that keep some words of their caption and
// break others.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/eval/fakes.h"

namespace muybridge {
namespace {

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
    {"sways sideways", 1, 0, 0,
     [](const Throw& how, double s) {
       return Spot{how.x + how.speed_x * s + 0.08 * std::cos(10 * s), fly(how, s).y};
     }},
    {"the other way first", 1, 0, 0,
     [](const Throw& how, double s) {
       Throw other = how;
       other.y = how.speed_y < 0 ? 0.6 : 0.35;
       other.speed_y = how.speed_y < 0 ? 1.7 : -0.65;
       return fly(other, s);
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
    const Scores expected = and_whole_prompt(
        {{"color", fake.color}, {"direction", fake.direction}, {"gravity", fake.gravity}});
    for (std::size_t i = 0; i < std::size(kThrows); ++i) {
      const NamedColor& color = color_named(kBallColors[i]);
      const Frames frames = stage(kSize, [&](Canvas& canvas, int frame) {
        const Spot spot = fake.at(kThrows[i], frame / kRate);
        canvas.fill_below(0.9 * kSize, 54);
        canvas.draw(fake.shape, spot.x * kSize, spot.y * kSize, 0.11 * kSize, color);
        if (fake.more) fake.more(canvas, frame, spot, color);
      });
      const std::string caption = fmt::format("a {} ball {}", color.name, kThrows[i].words);
      EXPECT_EQ(score_fake(frames, caption, fake.rate), expected) << fake.name << ": " << caption;
    }
    print_fake("ball", fake.name, expected);
  }
}

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
      for (const auto& [score_name, value] : score_fake(frames, caption))
        EXPECT_EQ(value, 0) << name << ": " << score_name << " of " << caption;
    }
    print_fake("ground", name, {});
  }
}

}  // namespace
}  // namespace muybridge
