#include "eval/score_shapes.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "eval/segment.h"

namespace muybridge {
namespace {

constexpr float kLeastContrast = 40;      // levels between a thing and the ground
constexpr double kLeastWhole = 0.6;       // share of what is seen that is in one piece
constexpr double kLargestShare = 0.5;     // of a frame that a thing may cover
constexpr double kSmallestShare = 0.008;  // of a frame that a thing must cover
constexpr double kLeastWay = 0.1;         // first to last frame, of the frame's side
constexpr double kMostAside = 0.5;        // of the way, across its direction
constexpr double kTriangleFill = 0.72;    // a triangle fills half of its box, a circle 0.79,
constexpr double kCircleFill = 0.87;      // a square all of it; small ones, blurred by H.264, more

// What the frames show of one thing.
struct Track {
  std::vector<Sighting> sightings;
  Rgb color{};
  double color_pixels = 0;

  bool seen(const Frames& frames) const {
    return 2 * sightings.size() >= std::size_t(frames.count) && sightings.size() >= 2;
  }
};

bool compact(const Mask& all, const Mask& part) {
  const auto whole = static_cast<double>(all.area()), piece = static_cast<double>(part.area());
  const auto frame = static_cast<double>(all.pixels.size());
  return piece >= kSmallestShare * frame && piece <= kLargestShare * frame &&
         piece >= kLeastWhole * whole;
}

// The one thing that differs from the ground.
Track track_only(const Frames& frames) {
  Track track;
  const std::vector<Rgb> ground = {median_color(frames)};
  for (int t = 0; t < frames.count; ++t) {
    const std::vector<float> away = difference(frames, t, ground);
    const float peak = peak_of(away);
    if (peak < kLeastContrast) continue;
    Mask mask{frames.height, frames.width, std::vector<std::uint8_t>(away.size())};
    for (std::size_t i = 0; i < away.size(); ++i) mask.pixels[i] = away[i] > 0.5F * peak;
    const Mask part = largest_part(mask);
    if (!compact(mask, part)) continue;
    double plateau = 0, plateau_pixels = 0;
    for (std::size_t i = 0; i < away.size(); ++i) {
      if (!part.pixels[i] || away[i] <= 0.8F * peak) continue;
      plateau += away[i];
      ++plateau_pixels;
      for (std::size_t c = 0; c < 3; ++c) track.color[c] += frames.frame(t)[3 * i + c];
    }
    if (plateau_pixels == 0) continue;
    track.color_pixels += plateau_pixels;
    std::vector<float> cover = away;
    for (float& share : cover) {
      share = std::min(1.0F, share / static_cast<float>(plateau / plateau_pixels));
    }
    track.sightings.push_back(sight(part, cover, t));
  }
  for (double& level : track.color) level /= std::max(1.0, track.color_pixels);
  return track;
}

// For each pixel the colour of kColors that, laid over the ground, explains it best, and the share
// of the pixel that it covers.
struct Explanation {
  std::vector<int> color;
  std::vector<float> cover;
};

Explanation explain(const Frames& frames, int index, const Rgb& ground) {
  const std::size_t pixels = std::size_t(frames.width) * frames.height;
  Explanation result{std::vector<int>(pixels), std::vector<float>(pixels)};
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::uint8_t* pixel = frames.frame(index) + 3 * i;
    double best = 1e30;
    for (int k = 0; k < static_cast<int>(kColors.size()); ++k) {
      double along = 0, length = 0, error = 0;
      for (std::size_t c = 0; c < 3; ++c) {
        const double way = kColors[std::size_t(k)].rgb[c] - ground[c];
        along += (pixel[c] - ground[c]) * way;
        length += way * way;
      }
      const double cover = std::clamp(along / std::max(length, 1.0), 0.0, 1.0);
      for (std::size_t c = 0; c < 3; ++c) {
        const double way = kColors[std::size_t(k)].rgb[c] - ground[c];
        error += std::pow(pixel[c] - ground[c] - cover * way, 2);
      }
      if (error < best) {
        best = error;
        result.color[i] = k;
        result.cover[i] = static_cast<float>(cover);
      }
    }
  }
  return result;
}

// A track for each of kColors.
std::vector<Track> track_colors(const Frames& frames) {
  std::vector<Track> tracks(kColors.size());
  const Rgb ground = median_color(frames);
  for (int t = 0; t < frames.count; ++t) {
    const Explanation seen = explain(frames, t, ground);
    for (int k = 0; k < static_cast<int>(kColors.size()); ++k) {
      Mask mask{frames.height, frames.width, std::vector<std::uint8_t>(seen.color.size())};
      for (std::size_t i = 0; i < seen.color.size(); ++i) {
        mask.pixels[i] = seen.color[i] == k && seen.cover[i] >= 0.5F;
      }
      if (mask.area() == 0) continue;
      const Mask part = largest_part(mask);
      if (!compact(mask, part)) continue;
      tracks[std::size_t(k)].sightings.push_back(sight(part, seen.cover, t));
    }
  }
  return tracks;
}

std::string shape_of(const Track& track) {
  std::vector<double> fills;
  for (const Sighting& s : track.sightings) fills.push_back(s.fill);
  std::nth_element(fills.begin(), fills.begin() + std::ptrdiff_t(fills.size() / 2), fills.end());
  const double fill = fills[fills.size() / 2];
  return fill < kTriangleFill ? "triangle" : fill < kCircleFill ? "circle" : "square";
}

bool moves(const Track& track, const Claim& claim, const Frames& frames) {
  const Velocity speed = velocity_of(track.sightings);
  const double side = std::min(frames.width, frames.height);
  const double x = speed.x * (frames.count - 1) / side, y = speed.y * (frames.count - 1) / side;
  const double along = claim.x * x + claim.y * y;
  const double across = claim.x != 0 ? std::abs(y) : std::abs(x);
  return along > kLeastWay && across < kMostAside * along;
}

}  // namespace

Scores score_shapes(const Frames& frames, const std::vector<Claim>& claims) {
  Scores scores = {{"color", 0.0}, {"shape", 0.0}, {"direction", 0.0}};
  if (claims.size() == 1) {
    const Track track = track_only(frames);
    if (!track.seen(frames)) return scores;
    scores["color"] = nearest_color(track.color) == claims[0].color;
    scores["shape"] = shape_of(track) == claims[0].shape;
    scores["direction"] = moves(track, claims[0], frames);
    return scores;
  }
  const std::vector<Track> tracks = track_colors(frames);
  const auto present = static_cast<double>(std::count_if(
      tracks.begin(), tracks.end(), [&](const Track& track) { return track.seen(frames); }));
  for (std::size_t k = 0; k < kColors.size(); ++k) {
    for (const Claim& claim : claims) {
      if (claim.color != kColors[k].name || !tracks[k].seen(frames)) continue;
      const auto share = 1.0 / static_cast<double>(claims.size());
      scores["color"] += 1.0 / std::max(present, static_cast<double>(claims.size()));
      scores["shape"] += share * (shape_of(tracks[k]) == claim.shape);
      scores["direction"] += share * moves(tracks[k], claim, frames);
    }
  }
  return scores;
}

}  // namespace muybridge
