#pragma once

#include <string>

#include "data/synthetic/synthetic_canvas.h"
#include "eval/scoring/things.h"

namespace muybridge {

// Where a template lies best on a thing: centre of its box and half its side, in pixels of the
// frame; `overlap` is what both cover over what either covers.
struct Fit {
  double overlap = 0;
  double x = 0, y = 0, radius = 0;
};
Fit fit_shape(Shape2d shape, const Patch& patch);

// "circle", "square" or "triangle": the template that overlaps best with the thing over all
// sightings and in nearly each. Empty where none overlaps well, where a second does nearly as well,
// and where the thing grows or shrinks.
// Edges that are off by the same share of a radius cost a triangle 1.6 times as much overlap, for
// it has so much more edge for its area: at an eighth of overlap lost by a circle, a fifth.
constexpr double least_overlap(Shape2d shape) { return shape == Shape2d::kTriangle ? 0.8 : 0.87; }
inline constexpr double kLeastMargin = 0.02;
std::string shape_of(const Track& track);

}  // namespace muybridge
