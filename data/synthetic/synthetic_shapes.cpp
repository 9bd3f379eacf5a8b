#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "data/synthetic/synthetic_canvas.h"

// Shapes: one or two coloured shapes on a dark grey ground, each moving at a constant speed and in
// view in every frame. Lengths are shares of the shorter side of the clip.
namespace muybridge {
namespace {

constexpr int kDarkest = 8, kLightest = 48;        // level of the ground
constexpr double kRadius[2] = {0.14, 0.22};        // half the side of a lone shape
constexpr double kRadiusOfTwo[2] = {0.11, 0.156};  // and of one of two
constexpr double kTravel[2] = {0.28, 0.47};        // way from the first frame to the last
constexpr int kTries = 200;                        // to place two shapes that never touch

struct NamedShape {
  std::string_view name;
  Shape2d shape;
};
const std::vector<NamedShape> kShapes = {
    {"circle", Shape2d::kCircle}, {"square", Shape2d::kSquare}, {"triangle", Shape2d::kTriangle}};
struct Direction {
  std::string_view name;
  int x, y;
};
const std::vector<Direction> kDirections = {
    {"left", -1, 0}, {"right", 1, 0}, {"up", 0, -1}, {"down", 0, 1}};

constexpr std::string_view kTemplates[] = {
    "a {0} {1} moving {2}",
    "{0} {1} moves {2}",
    "a {0} {1} is going {2}",
    "the {0} {1} slides {2}",
    "a video of a {0} {1} moving {2}",
};

struct Actor {
  NamedColor color;
  NamedShape shape;
  Direction direction;
  double radius = 0;
  double from[2] = {0, 0}, to[2] = {0, 0};  // centre in the first and the last frame, x and y

  double at(int axis, double u) const { return from[axis] + (to[axis] - from[axis]) * u; }
};

Actor draw_actor(Draws& draws) {
  return {.color = draws.pick(kColors),
          .shape = draws.pick(kShapes),
          .direction = draws.pick(kDirections)};
}

// A random straight way of length `travel` along the actor's direction that stays in the picture.
void place(Actor& actor, double travel, const SyntheticOptions& options, Draws& draws) {
  const double margin = actor.radius + 1.0;
  const int steps[2] = {actor.direction.x, actor.direction.y};
  const int sides[2] = {options.width, options.height};
  for (int axis = 0; axis < 2; ++axis) {
    const double way = steps[axis] == 0 ? 0.0 : travel;
    const double low = draws.uniform(margin, std::max(margin, sides[axis] - margin - way));
    actor.from[axis] = steps[axis] < 0 ? low + way : low;
    actor.to[axis] = steps[axis] < 0 ? low : low + way;
  }
}

bool touch(const Actor& a, const Actor& b) {
  constexpr int kSamples = 64;
  for (int i = 0; i <= kSamples; ++i) {
    const double u = static_cast<double>(i) / kSamples;
    const double gap =
        std::max(std::abs(a.at(0, u) - b.at(0, u)), std::abs(a.at(1, u) - b.at(1, u)));
    if (gap < a.radius + b.radius + 2.0) return true;
  }
  return false;
}

std::vector<Actor> cast(const SyntheticOptions& options, Draws& draws) {
  const double side = std::min(options.width, options.height);
  if (draws.uniform(0, 1) < options.two_shapes) {
    Actor first = draw_actor(draws), second = draw_actor(draws);
    while (second.color.name == first.color.name) second.color = draws.pick(kColors);
    for (int attempt = 0; attempt < kTries; ++attempt) {
      for (Actor* actor : {&first, &second}) {
        actor->radius = side * draws.uniform(kRadiusOfTwo[0], kRadiusOfTwo[1]);
        place(*actor, side * draws.uniform(kTravel[0], kTravel[1]), options, draws);
      }
      if (!touch(first, second)) return {first, second};
    }
  }
  Actor only = draw_actor(draws);
  only.radius = side * draws.uniform(kRadius[0], kRadius[1]);
  place(only, side * draws.uniform(kTravel[0], kTravel[1]), options, draws);
  return {only};
}

std::string describe(const Actor& actor, std::string_view pattern) {
  return fmt::format(fmt::runtime(pattern), actor.color.name, actor.shape.name,
                     actor.direction.name);
}

}  // namespace

SyntheticClip make_shapes_clip(const SyntheticOptions& options, Draws draws) {
  const double ground = draws.integer(kDarkest, kLightest);
  const std::vector<Actor> actors = cast(options, draws);
  SyntheticClip clip{.frames = empty_frames(options), .caption{}};
  for (int index = 0; index < options.frames; ++index) {
    const double u = options.frames > 1 ? static_cast<double>(index) / (options.frames - 1) : 0.0;
    Canvas canvas(options.width, options.height, ground);
    for (const Actor& actor : actors) {
      canvas.draw(actor.shape.shape, actor.at(0, u), actor.at(1, u), actor.radius, actor.color);
    }
    canvas.store(clip.frames, index);
  }
  if (actors.size() == 2) {
    clip.caption =
        describe(actors[0], kTemplates[0]) + " and " + describe(actors[1], kTemplates[0]);
  } else {
    const int last = static_cast<int>(std::size(kTemplates)) - 1;
    clip.caption = describe(actors[0], kTemplates[draws.integer(0, last)]);
  }
  return clip;
}

std::vector<std::string> shapes_prompts() {
  std::vector<std::string> prompts;
  for (const NamedColor& color : kColors) {
    for (const NamedShape& shape : kShapes) {
      for (const Direction& direction : kDirections) {
        prompts.push_back(
            describe({.color = color, .shape = shape, .direction = direction}, kTemplates[0]));
      }
    }
  }
  return prompts;
}

}  // namespace muybridge
