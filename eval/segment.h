#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/media/frames.h"

namespace muybridge {

using Rgb = std::array<double, 3>;

// The median of each channel over the clip: the colour of the ground.
Rgb median_color(const Frames& frames);
// The same for each row of pixels, for grounds that change from top to bottom.
std::vector<Rgb> median_rows(const Frames& frames);

// One frame's share of something: [height, width], 0 or 1.
struct Mask {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;
  std::size_t area() const;
};

// The largest 4-connected part of a mask.
Mask largest_part(const Mask& mask);

// How far each pixel of a frame is from the ground: the largest difference of a channel.
std::vector<float> difference(const Frames& frames, int index, const std::vector<Rgb>& rows);

// A robust maximum: the value that one pixel in a hundred exceeds.
float peak_of(const std::vector<float>& values);

// What a thing looks like in one frame, in pixels.
struct Sighting {
  int frame = 0;
  double x = 0, y = 0;  // centre of its pixels
  double fill = 0;      // its area over that of its bounding box
};
// `cover` is the share of each pixel that things cover. What counts is in the mask or touches it,
// so that the fill is right for things of a few pixels too. `mask` must not be empty.
Sighting sight(const Mask& mask, const std::vector<float>& cover, int frame);

// A straight line through the sightings: pixels a frame.
struct Velocity {
  double x = 0, y = 0;
};
Velocity velocity_of(const std::vector<Sighting>& sightings);

// The name in kColors nearest to a measured colour; empty if none is near.
std::string nearest_color(const Rgb& color);

}  // namespace muybridge
