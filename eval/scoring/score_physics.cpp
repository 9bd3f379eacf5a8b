#include "eval/scoring/score_physics.h"

#include <algorithm>
#include <cmath>

#include "data/synthetic/synthetic.h"
#include "eval/scoring/free_fall.h"
#include "eval/scoring/motion.h"
#include "eval/scoring/outline.h"
#include "eval/scoring/things.h"

namespace muybridge {
namespace {

// Lengths are clip heights.
constexpr double kLeastAside = 0.12;  // way of what goes sideways; the corpus has 0.18 a second
constexpr double kMostAside = 0.06;   // and of what does not
constexpr double kMostError = 0.02;   // root mean square distance sideways from a steady way
constexpr double kLeastHeight = 0.2;  // of a rise or a fall; the corpus has 0.35 or more
constexpr double kWrongWay = 0.04;    // that it may go the other way first: errors of measurement

// Left -1, right 1, neither 0; nullopt for what is no steady way.
std::optional<int> sideways(const std::vector<Place>& places) {
  const Line line = fit_line(places);
  if (line.error_x > kMostError) return std::nullopt;
  if (std::abs(line.x) <= kMostAside) return 0;
  if (std::abs(line.x) < kLeastAside || !goes_steadily(places, &Place::x)) return std::nullopt;
  return line.x < 0 ? -1 : 1;
}

// Up -1, down 1, by what it does first; nullopt if it does neither.
std::optional<int> first_way(const std::vector<Place>& places) {
  const double start = places.front().y;
  for (const Place& place : places) {
    const double fall = place.y - start;
    if (std::abs(fall) < kLeastHeight) continue;
    const auto wrong = [&](const Place& before) {
      return before.time < place.time && (before.y - start) * (fall < 0 ? 1 : -1) > kWrongWay;
    };
    if (std::any_of(places.begin(), places.end(), wrong)) return std::nullopt;
    return fall < 0 ? -1 : 1;
  }
  return std::nullopt;
}

}  // namespace

Scores score_physics(const Frames& frames, double fps, const Claim& claim) {
  Scores scores = {{"color", 0.0}, {"direction", 0.0}, {"gravity", 0.0}};
  const std::optional<std::vector<Track>> tracks = track_things(frames, ground_by_rows(frames), 1);
  if (!tracks || shape_of(tracks->front()) != "circle") return scores;
  const Track& track = tracks->front();
  scores["color"] = color_of(track) == claim.color;

  std::vector<Place> places;
  std::vector<HeightAt> points;
  for (const Sighting& seen : track) {
    places.push_back({.time = static_cast<double>(seen.frame) / (frames.count - 1),
                      .x = seen.x / frames.height,
                      .y = seen.y / frames.height});
    points.push_back({seen.frame / fps, seen.y / frames.height});
  }
  const std::optional<double> acceleration = fit_acceleration(points);
  const bool moves = acceleration && sideways(places) == claim.x && first_way(places) == claim.y;
  scores["direction"] = moves;
  scores["gravity"] = moves && std::abs(*acceleration / kGravity - 1) <= kGravityTolerance;
  return scores;
}

}  // namespace muybridge
