#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/media/frames.h"

namespace muybridge {

using Rgb = std::array<double, 3>;

// The colour of each row of pixels behind the things: of all rows if there is one.
using Ground = std::vector<Rgb>;
inline const Rgb& ground_at(const Ground& ground, int row) {
  return ground[ground.size() == 1 ? 0 : static_cast<std::size_t>(row)];
}

// The median of each channel over the clip: the ground of a plain picture.
Ground plain_ground(const Frames& frames);
// The same for each row of pixels, for grounds that change from top to bottom.
Ground ground_by_rows(const Frames& frames);

// How far each pixel of a frame is from the ground: the largest difference of a channel.
std::vector<float> difference(const Frames& frames, int index, const Ground& ground);

// For each pixel the colour of kColors that, laid over the ground, explains it best, and the share
// of the pixel that it then covers.
struct Explanation {
  std::vector<int> color;
  std::vector<float> cover;
};
Explanation explain(const Frames& frames, int index, const Ground& ground);

// The 4-connected sets of pixels that have the same label, largest first; labels below 0 are no
// part of any.
using Part = std::vector<int>;
std::vector<Part> connected_parts(const std::vector<int>& labels, int width);

// The name in kColors nearest to a measured colour; empty if none is near.
std::string nearest_color(const Rgb& color);

}  // namespace muybridge
