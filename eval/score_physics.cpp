#include "eval/score_physics.h"

#include <algorithm>
#include <cmath>

#include "eval/segment.h"

namespace muybridge {
namespace {

constexpr float kLeastContrast = 40;   // levels between the ball and the ground
constexpr double kLeastSeen = 0.75;    // share of the frames that must show one ball
constexpr double kLeastWhole = 0.6;    // share of what differs that is the ball
constexpr double kLargestShare = 0.2;  // of the frame that a ball covers at most
constexpr double kLeastWay = 0.1;      // sideways in the whole clip, in clip heights
constexpr double kLeastRise = 0.12;    // above the first frame, of what is thrown up
constexpr double kNoise = 0.006;       // of a measured height, in clip heights
constexpr double kWorstFit = 0.02;     // root mean square error of the pieces
constexpr double kPieceCost = 12;      // a piece more must explain this many squares of noise
constexpr double kLyingHeight = 0.06;  // a piece that moves less tells nothing: the ball lies
constexpr int kLongEnough = 5;         // points of one flight that tell its acceleration

struct BallSighting {
  int frame;
  double x, y;  // pixels
};
struct BallTrack {
  std::vector<BallSighting> sightings;
  Rgb color{};
};

BallTrack track_ball(const Frames& frames) {
  BallTrack track;
  double color_pixels = 0;
  const std::vector<Rgb> rows = median_rows(frames);
  for (int t = 0; t < frames.count; ++t) {
    const std::vector<float> away = difference(frames, t, rows);
    const float peak = peak_of(away);
    if (peak < kLeastContrast) continue;
    Mask mask{frames.height, frames.width, std::vector<std::uint8_t>(away.size())};
    for (std::size_t i = 0; i < away.size(); ++i) mask.pixels[i] = away[i] > 0.4F * peak;
    const Mask part = largest_part(mask);
    const auto area = static_cast<double>(part.area());
    if (area < kLeastWhole * static_cast<double>(mask.area()) ||
        area > kLargestShare * static_cast<double>(away.size())) {
      continue;
    }
    double weight = 0, x = 0, y = 0;
    for (std::size_t i = 0; i < away.size(); ++i) {
      if (!part.pixels[i]) continue;
      const double share = std::min(1.0F, away[i] / peak);
      weight += share;
      x += share * static_cast<double>(i % std::size_t(frames.width));
      const std::size_t row = i / std::size_t(frames.width);
      y += share * static_cast<double>(row);
      if (away[i] <= 0.8F * peak) continue;
      for (std::size_t c = 0; c < 3; ++c) track.color[c] += frames.frame(t)[3 * i + c];
      ++color_pixels;
    }
    track.sightings.push_back({t, x / weight, y / weight});
  }
  for (double& level : track.color) level /= std::max(1.0, color_pixels);
  return track;
}

// Least squares of y = p + v t + a t^2 / 2 over points [first, last). Information on `a` is the
// square of what remains of t^2 / 2 beside 1 and t.
struct Piece {
  double acceleration = 0;
  double information = 0;
  double squares = 0;  // of the residual
};

Piece fit_piece(const std::vector<HeightAt>& points, int first, int last) {
  const int n = last - first;
  double mean_t = 0, mean_y = 0;
  for (int i = first; i < last; ++i) {
    mean_t += points[std::size_t(i)].seconds / n;
    mean_y += points[std::size_t(i)].y / n;
  }
  double tt = 0, tq = 0, ty = 0, mean_q = 0;
  const auto time = [&](int i) { return points[std::size_t(i)].seconds - mean_t; };
  const auto half_square = [&](int i) { return 0.5 * time(i) * time(i); };
  for (int i = first; i < last; ++i) mean_q += half_square(i) / n;
  for (int i = first; i < last; ++i) {
    tt += time(i) * time(i);
    tq += time(i) * (half_square(i) - mean_q);
    ty += time(i) * (points[std::size_t(i)].y - mean_y);
  }
  Piece piece;
  const double slope_q = tt > 0 ? tq / tt : 0, slope_y = tt > 0 ? ty / tt : 0;
  double products = 0, squares_y = 0;
  for (int i = first; i < last; ++i) {
    const double q = half_square(i) - mean_q - slope_q * time(i);
    const double y = points[std::size_t(i)].y - mean_y - slope_y * time(i);
    piece.information += q * q;
    products += q * y;
    squares_y += y * y;
  }
  if (n >= 3 && piece.information > 0) {
    piece.acceleration = products / piece.information;
    piece.squares = std::max(0.0, squares_y - products * piece.acceleration);
  } else {
    piece.information = 0;
    piece.squares = squares_y;
  }
  return piece;
}

double height_of(const std::vector<HeightAt>& points, int first, int last) {
  const auto lower = [](const HeightAt& a, const HeightAt& b) { return a.y < b.y; };
  const auto [low, high] =
      std::minmax_element(points.begin() + first, points.begin() + last, lower);
  return high->y - low->y;
}

}  // namespace

std::optional<double> fit_acceleration(const std::vector<HeightAt>& points) {
  // best[j]: the cheapest cut of the first j points into pieces.
  const int n = static_cast<int>(points.size());
  std::vector<double> best(std::size_t(n) + 1, 1e30);
  std::vector<int> from(std::size_t(n) + 1, 0);
  best[0] = 0;
  for (int last = 1; last <= n; ++last) {
    for (int first = 0; first < last; ++first) {
      const double squares = fit_piece(points, first, last).squares / (kNoise * kNoise);
      const double cost = best[std::size_t(first)] + squares + kPieceCost;
      if (cost < best[std::size_t(last)]) {
        best[std::size_t(last)] = cost;
        from[std::size_t(last)] = first;
      }
    }
  }
  double information = 0, sum = 0, squares = 0;
  int longest = 0;
  for (int last = n; last > 0; last = from[std::size_t(last)]) {
    const int first = from[std::size_t(last)];
    const Piece piece = fit_piece(points, first, last);
    squares += piece.squares;
    if (height_of(points, first, last) < kLyingHeight) continue;
    information += piece.information;
    sum += piece.information * piece.acceleration;
    longest = std::max(longest, last - first);
  }
  if (longest < kLongEnough || std::sqrt(squares / n) > kWorstFit) return std::nullopt;
  return sum / information;
}

Scores score_physics(const Frames& frames, double fps, const Claim& claim) {
  Scores scores = {{"color", 0.0}, {"direction", 0.0}, {"gravity", 0.0}};
  const BallTrack track = track_ball(frames);
  const std::vector<BallSighting>& seen = track.sightings;
  if (seen.size() < 2 || static_cast<double>(seen.size()) < kLeastSeen * frames.count) {
    return scores;
  }
  scores["color"] = nearest_color(track.color) == claim.color;

  std::vector<Sighting> sightings;
  std::vector<HeightAt> points;
  double top = seen.front().y;
  for (const BallSighting& s : seen) {
    sightings.push_back({.frame = s.frame, .x = s.x, .y = s.y});
    points.push_back({s.frame / fps, s.y / frames.height});
    top = std::min(top, s.y);
  }
  const double aside = velocity_of(sightings).x * (frames.count - 1) / frames.height;
  const int x = aside > kLeastWay ? 1 : aside < -kLeastWay ? -1 : 0;
  const int y = seen.front().y - top > kLeastRise * frames.height ? -1 : 1;
  scores["direction"] = x == claim.x && y == claim.y;

  const std::optional<double> acceleration = fit_acceleration(points);
  scores["gravity"] = acceleration && std::abs(*acceleration / kGravity - 1) <= kGravityTolerance;
  return scores;
}

}  // namespace muybridge
