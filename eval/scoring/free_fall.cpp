#include "eval/scoring/free_fall.h"

#include <algorithm>
#include <cmath>

namespace muybridge {
namespace {

// Lengths are clip heights.
constexpr double kNoise = 0.006;       // of a measured height
constexpr double kWorstFit = 0.02;     // root mean square error of the pieces
constexpr double kPieceCost = 12;      // a piece more must explain this many squares of noise
constexpr double kLyingHeight = 0.06;  // a piece that moves less tells nothing: the ball lies
constexpr int kLongEnough = 5;         // points of one flight that tell its acceleration
constexpr int kTelling = 4;            // points of a piece that tell where it goes
constexpr double kLeastTold = 0.75;    // share of the points that are in such pieces
constexpr double kJointError = 0.08;   // of where two pieces meet

// Least squares of y = p + v t + a t^2 / 2 over points [first, last). Information on `a` is the
// square of what remains of t^2 / 2 beside 1 and t.
struct Piece {
  int first = 0, last = 0;
  double mean_t = 0, mean_y = 0, mean_q = 0, slope_q = 0, slope_y = 0;
  double acceleration = 0;
  double information = 0;
  double squares = 0;  // of the residual

  double at(double seconds) const {
    const double t = seconds - mean_t;
    return mean_y + slope_y * t + acceleration * (0.5 * t * t - mean_q - slope_q * t);
  }
};

Piece fit_piece(const std::vector<HeightAt>& points, int first, int last) {
  const int n = last - first;
  Piece piece{.first = first, .last = last};
  for (int i = first; i < last; ++i) {
    piece.mean_t += points[std::size_t(i)].seconds / n;
    piece.mean_y += points[std::size_t(i)].y / n;
  }
  double tt = 0, tq = 0, ty = 0;
  const auto time = [&](int i) { return points[std::size_t(i)].seconds - piece.mean_t; };
  const auto half_square = [&](int i) { return 0.5 * time(i) * time(i); };
  for (int i = first; i < last; ++i) piece.mean_q += half_square(i) / n;
  for (int i = first; i < last; ++i) {
    tt += time(i) * time(i);
    tq += time(i) * (half_square(i) - piece.mean_q);
    ty += time(i) * (points[std::size_t(i)].y - piece.mean_y);
  }
  piece.slope_q = tt > 0 ? tq / tt : 0;
  piece.slope_y = tt > 0 ? ty / tt : 0;
  double products = 0, squares_y = 0;
  for (int i = first; i < last; ++i) {
    const double q = half_square(i) - piece.mean_q - piece.slope_q * time(i);
    const double y = points[std::size_t(i)].y - piece.mean_y - piece.slope_y * time(i);
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

// The cheapest cut of the points into pieces, in their order.
std::vector<Piece> cut(const std::vector<HeightAt>& points) {
  // best[j]: the cheapest cut of the first j points.
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
  std::vector<Piece> pieces;
  for (int last = n; last > 0; last = from[std::size_t(last)])
    pieces.insert(pieces.begin(), fit_piece(points, from[std::size_t(last)], last));
  return pieces;
}

double height_of(const std::vector<HeightAt>& points, const Piece& piece) {
  const auto lower = [](const HeightAt& a, const HeightAt& b) { return a.y < b.y; };
  const auto [low, high] =
      std::minmax_element(points.begin() + piece.first, points.begin() + piece.last, lower);
  return high->y - low->y;
}

bool tells(const Piece& piece) { return piece.last - piece.first >= kTelling; }

// Whether the second piece goes on where the first ends, and that is on the floor or deeper than
// any point seen.
bool meet_on_floor(const Piece& a, const Piece& b, const std::vector<HeightAt>& points,
                   double floor) {
  constexpr int kSteps = 16;
  const double begin = points[std::size_t(a.last) - 1].seconds;
  const double end = points[std::size_t(b.first)].seconds;
  for (int step = 0; step <= kSteps; ++step) {
    const double time = begin + (end - begin) * step / kSteps;
    if (std::abs(a.at(time) - b.at(time)) <= kJointError &&
        std::max(a.at(time), b.at(time)) >= floor - kJointError)
      return true;
  }
  return false;
}

// Whether a ball can have gone this way: it flies or lies, and each flight begins on the floor
// where the one before has ended.
bool is_way_of_ball(const std::vector<Piece>& pieces, const std::vector<HeightAt>& points) {
  double floor = 0, squares = 0;
  for (const HeightAt& point : points) floor = std::max(floor, point.y);
  int told = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    squares += piece.squares;
    const bool high = piece.mean_y < floor - kLyingHeight;
    const bool still = height_of(points, piece) < kLyingHeight;
    if (tells(piece) && still && (high || i == 0)) return false;  // hangs in the air, or waits
    if (tells(piece) || (still && !high)) told += piece.last - piece.first;
    if (i > 0 && tells(pieces[i - 1]) && tells(piece) &&
        !meet_on_floor(pieces[i - 1], piece, points, floor))
      return false;
  }
  const auto n = static_cast<double>(points.size());
  return told >= kLeastTold * n && std::sqrt(squares / n) <= kWorstFit;
}

}  // namespace

std::optional<double> fit_acceleration(const std::vector<HeightAt>& points) {
  const std::vector<Piece> pieces = cut(points);
  if (pieces.empty() || !is_way_of_ball(pieces, points)) return std::nullopt;
  double information = 0, sum = 0;
  int longest = 0;
  for (const Piece& piece : pieces) {
    if (height_of(points, piece) < kLyingHeight) continue;
    information += piece.information;
    sum += piece.information * piece.acceleration;
    longest = std::max(longest, piece.last - piece.first);
  }
  if (longest < kLongEnough) return std::nullopt;
  return sum / information;
}

}  // namespace muybridge
