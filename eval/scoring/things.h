#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data/media/frames.h"
#include "eval/scoring/segment.h"

namespace muybridge {

// A rectangle of a frame and the share of each of its pixels that one thing covers, in pixels.
struct Patch {
  int left = 0, top = 0, width = 0, height = 0;
  std::vector<float> cover;  // [height, width]
  float at(int column, int row) const { return cover[std::size_t(row) * width + column]; }
};

// One thing in one frame.
struct Sighting {
  int frame = 0;
  double x = 0, y = 0;  // centre of what it covers, in pixels
  Rgb color{};          // where it covers whole pixels
  Patch patch;          // two pixels wider than the thing
};

// One thing over the frames, at most one sighting in each.
using Track = std::vector<Sighting>;

// Follows the things of a clip that shows exactly `count` of them: in nine frames of ten there are
// so many and nothing else that stands out from the ground, none is too large or too small to be
// one of the corpora's. nullopt where that is not so. `count` is 1 or 2.
std::optional<std::vector<Track>> track_things(const Frames& frames, const Ground& ground,
                                               std::size_t count);

// The name in kColors that the thing has in nine sightings of ten; empty if it has none.
std::string color_of(const Track& track);

}  // namespace muybridge
