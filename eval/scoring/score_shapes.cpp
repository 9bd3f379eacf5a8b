#include "eval/scoring/score_shapes.h"

#include <algorithm>
#include <cmath>

#include "eval/scoring/motion.h"
#include "eval/scoring/outline.h"
#include "eval/scoring/things.h"

namespace muybridge {
namespace {

// Lengths are shares of the frame's shorter side.
constexpr double kLeastWay = 0.2;   // from the first frame to the last; the corpus has 0.28 to 0.47
constexpr double kMostAside = 0.3;  // of the way, across its direction
constexpr double kMostError = 0.02;  // root mean square distance from the straight path

bool moves(const Track& track, const Claim& claim, const Frames& frames) {
  const double side = std::min(frames.width, frames.height);
  std::vector<Place> places;
  for (const Sighting& seen : track)
    places.push_back({.time = static_cast<double>(seen.frame) / (frames.count - 1),
                      .x = seen.x / side,
                      .y = seen.y / side});
  const Line line = fit_line(places);
  const double along = claim.x * line.x + claim.y * line.y;
  const double across = std::abs(claim.x != 0 ? line.y : line.x);
  return along >= kLeastWay && across <= kMostAside * along &&
         std::hypot(line.error_x, line.error_y) <= kMostError &&
         goes_steadily(places, claim.x != 0 ? &Place::x : &Place::y);
}

}  // namespace

Scores score_shapes(const Frames& frames, const std::vector<Claim>& claims) {
  Scores scores = {{"color", 0.0}, {"shape", 0.0}, {"direction", 0.0}};
  std::optional<std::vector<Track>> tracks =
      track_things(frames, plain_ground(frames), claims.size());
  if (!tracks) return scores;
  if (claims.size() == 2 && color_of(tracks->front()) == claims.back().color)
    std::swap(tracks->front(), tracks->back());
  double colors = 0;
  for (std::size_t i = 0; i < claims.size(); ++i)
    colors += color_of((*tracks)[i]) == claims[i].color;
  const auto count = static_cast<double>(claims.size());
  if (claims.size() > 1 && colors < count) return scores;  // not the things that were asked for
  scores["color"] = colors / count;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    scores["shape"] += (shape_of((*tracks)[i]) == claims[i].shape) / count;
    scores["direction"] += moves((*tracks)[i], claims[i], frames) / count;
  }
  return scores;
}

}  // namespace muybridge
