#pragma once

#include <optional>
#include <vector>

namespace muybridge {

// A point of a ball's way: seconds, and clip heights from the top.
struct HeightAt {
  double seconds = 0;
  double y = 0;
};

// The acceleration of free flight between bounces, in clip heights per second squared: pieces of
// parabola, as few as explain the points, without those in which the ball lies. nullopt for what is
// no way of a ball: no such pieces fit, they do not meet on the floor, it waits or hangs in
// the air, or no piece has five points (clips need 8 frames a second or more).
std::optional<double> fit_acceleration(const std::vector<HeightAt>& points);

}  // namespace muybridge
