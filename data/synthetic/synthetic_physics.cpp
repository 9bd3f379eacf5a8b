#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "data/synthetic/synthetic_canvas.h"

// Physics: a ball above a floor, thrown or dropped, under one gravity. Lengths are shares of the
// clip's height, y down, times in seconds.
namespace muybridge {
namespace {

constexpr int kDarkest = 8, kLightest = 40;  // level of the ground behind the ball
constexpr int kFloorStep = 30;               // the floor is this much lighter
constexpr double kFloor = 0.9;               // where it begins
constexpr double kRadius[2] = {0.09, 0.13};  // of the ball
constexpr double kCeiling = 0.03;            // room above the highest point
constexpr double kBounce = 0.75;             // share of the speed that a bounce leaves
constexpr double kRise[2] = {0.35, 0.6};     // height of a throw
constexpr double kSpeed[2] = {0.18, 0.34};   // sideways
constexpr double kDrop[2] = {0.35, 0.6};     // way to the floor of what is dropped

constexpr double kStill = 1e-3;  // a ball this slow after a bounce lies

struct Throw {
  int sideways;  // -1 left, 1 right
  bool up;
  std::vector<std::string_view> words;
};
const std::vector<Throw> kThrows = {
    {0, true, {"thrown up", "thrown straight up", "tossed up"}},
    {-1, true, {"thrown up to the left", "tossed up to the left"}},
    {1, true, {"thrown up to the right", "tossed up to the right"}},
    {0, false, {"dropped", "falling down", "dropped to the floor"}},
    {-1, false, {"thrown to the left", "tossed to the left"}},
    {1, false, {"thrown to the right", "tossed to the right"}},
};

constexpr std::string_view kTemplates[] = {
    "a {0} ball {1}",
    "{0} ball {1}",
    "the {0} ball is {1}",
    "a video of a {0} ball {1}",
};

struct Ball {
  double x, y, radius;
  double speed_x, speed_y;

  // Exact flight for `seconds`, bounces included.
  void fly(double seconds) {
    const double rest = kFloor - radius;
    x += speed_x * seconds;
    for (;;) {
      const double depth = std::max(0.0, rest - y);
      const double fall =
          (std::sqrt(speed_y * speed_y + 2 * kGravity * depth) - speed_y) / kGravity;
      const double time = std::min(seconds, fall);
      y += speed_y * time + 0.5 * kGravity * time * time;
      speed_y += kGravity * time;
      if (seconds <= fall) return;
      seconds -= fall;
      y = rest;
      speed_y *= -kBounce;
      if (-speed_y < kStill) {
        speed_y = 0;
        return;
      }
    }
  }
};

Ball launch(const Throw& how, const SyntheticOptions& options, Draws& draws) {
  Ball ball{};
  ball.radius = draws.uniform(kRadius[0], kRadius[1]);
  const double rest = kFloor - ball.radius;
  const double highest = ball.radius + kCeiling;
  if (how.up) {
    const double rise = draws.uniform(kRise[0], kRise[1]);
    ball.y = draws.uniform(std::min(rest, highest + rise), rest);
    ball.speed_y = -std::sqrt(2 * kGravity * std::min(rise, ball.y - highest));
  } else {
    ball.y = std::max(highest, rest - draws.uniform(kDrop[0], kDrop[1]));
  }
  const double side = static_cast<double>(options.width) / options.height;
  const double margin = std::min(ball.radius + 0.02, side / 2);
  const double seconds = (options.frames - 1) / options.fps;
  double way = 0;
  if (how.sideways != 0 && seconds > 0) {
    way = std::min(draws.uniform(kSpeed[0], kSpeed[1]) * seconds, side - 2 * margin);
    ball.speed_x = how.sideways * way / seconds;
  }
  const double low = draws.uniform(margin, side - margin - way);
  ball.x = how.sideways < 0 ? low + way : low;
  return ball;
}

std::string describe(const NamedColor& color, std::string_view how, std::string_view pattern) {
  return fmt::format(fmt::runtime(pattern), color.name, how);
}

}  // namespace

SyntheticClip make_physics_clip(const SyntheticOptions& options, Draws draws) {
  const double ground = draws.integer(kDarkest, kLightest);
  const NamedColor color = draws.pick(kColors);
  const Throw& how = draws.pick(kThrows);
  Ball ball = launch(how, options, draws);
  SyntheticClip clip{.frames = empty_frames(options), .caption{}};
  for (int index = 0; index < options.frames; ++index) {
    Canvas canvas(options.width, options.height, ground);
    const double unit = options.height;
    canvas.fill_below(kFloor * unit, ground + kFloorStep);
    canvas.draw(Shape2d::kCircle, ball.x * unit, ball.y * unit, ball.radius * unit, color);
    canvas.store(clip.frames, index);
    ball.fly(1 / options.fps);
  }
  const int last = static_cast<int>(std::size(kTemplates)) - 1;
  clip.caption = describe(color, draws.pick(how.words), kTemplates[draws.integer(0, last)]);
  return clip;
}

std::vector<std::string> physics_prompts() {
  std::vector<std::string> prompts;
  for (const NamedColor& color : kColors) {
    for (const Throw& how : kThrows) {
      prompts.push_back(describe(color, how.words.front(), kTemplates[0]));
    }
  }
  return prompts;
}

}  // namespace muybridge
